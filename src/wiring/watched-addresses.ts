import { publicLocations } from '../authority/public-locations.ts';
import type { Config } from '../config/config.ts';
import type { CrlFiles } from '../revocation/crl-files.ts';
import type { PublishedPlaceStore } from '../store/published-places.ts';
import { ownPrefix, type ServedHere, type WatchedPlace } from '../watchdog/content.ts';
import type { Expectation } from '../watchdog/expectation.ts';
import { checkPartEntries } from '../watchdog/part-entries.ts';
import { createPartTurns, type PartTurns } from '../watchdog/part-turns.ts';
import type { PublishedPart, WatchedAuthority } from '../watchdog/read-crl.ts';
import { shownUrl, type UrlPlaceOptions, urlPlace } from '../watchdog/url-place.ts';

interface AddressParts {
  readonly authorities: readonly WatchedAuthority[];
  readonly expectation: Pick<Expectation, 'hasDelta'>;
  readonly store: Pick<PublishedPlaceStore, 'list'>;
  /** The complete CRL that a part of the same number is held against. */
  readonly held: CrlFiles['held'];
  readonly graceSeconds: { readonly own: number; readonly elsewhere: number };
  /** Which part is read first; any number. */
  readonly firstPart: number;
}

/** The addresses that have a CRL of ours. */
export interface WatchedAddresses {
  /** Learns what whoever led before has found wanting. @throws Fault `database-unavailable`; what was known stands */
  refresh(): Promise<void>;
  /** What this process serves, by whatever port it listens on. */
  servedHere(url: string): ServedHere;
  /** Where relying parties fetch it, and the mirrors; other parts with each call. */
  elsewhere(): readonly WatchedPlace[];
}

/** Somewhere with all of the public files. */
interface Site {
  readonly base: string;
  idOf(address: string): string;
  /** Where we read an address of it. */
  urlOf(address: string): URL;
  readonly graceSeconds: number;
  readonly isOurs: boolean;
}

/** The CRL of one authority there, in all of its forms. */
interface SiteFiles {
  readonly complete: WatchedPlace;
  readonly delta?: WatchedPlace;
  readonly parts?: PartTurns;
}

const nothing: ReadonlySet<string> = new Set();

export function createWatchedAddresses(config: Config, o: AddressParts): WatchedAddresses {
  const { authorities, graceSeconds, store } = o;
  const { watchdog, publicUrl } = config;
  let wasFaulty = nothing;
  const elsewhere = { idOf: idElsewhere, graceSeconds: graceSeconds.elsewhere, isOurs: false };
  const base = watchdog.publicUrl === 'on' ? publicUrl : undefined;
  const files =
    base === undefined
      ? []
      : authorities.map((authority) =>
          filesAt({ ...elsewhere, base, urlOf: (address) => new URL(address) }, authority, config, o),
        );
  const mirrors = watchdog.urls.map((text) =>
    urlPlace({
      ...{ id: idElsewhere(text), url: () => new URL(text), graceSeconds: graceSeconds.elsewhere },
      ...{ authorities, form: 'complete', crlsOf: () => [], isOurs: false },
    }),
  );
  return {
    async refresh() {
      const seen = await store.list();
      wasFaulty = new Set(seen.filter(({ finding }) => finding !== 'current').map(({ place }) => place));
    },
    servedHere(url) {
      const site = siteHere(url, graceSeconds.own);
      const here = authorities.map((authority) => filesAt(site, authority, config, o));
      return {
        needed: here.map(({ complete }) => complete),
        turn: () => here.flatMap((each) => others(each, nothing)),
      };
    },
    elsewhere: () => [...files.flatMap((each) => [each.complete, ...others(each, wasFaulty)]), ...mirrors],
  };
}

function siteHere(url: string, graceSeconds: number): Site {
  const pathOf = (address: string) => new URL(address).pathname;
  return {
    base: url,
    idOf: (address) => `${ownPrefix}${pathOf(address)}`,
    urlOf: (address) => new URL(pathOf(address), overLoopback(url)),
    graceSeconds,
    isOurs: true,
  };
}

function overLoopback(url: string): URL {
  const local = new URL(url);
  if (local.hostname === '0.0.0.0') local.hostname = '127.0.0.1';
  if (local.hostname === '[::]') local.hostname = '[::1]';
  return local;
}

function idElsewhere(address: string): string {
  return `url:${shownUrl(new URL(address))}`;
}

/** What is there beside the complete CRL, as far as it is to be read now. */
function others({ delta, parts }: SiteFiles, wasFaulty: ReadonlySet<string>): WatchedPlace[] {
  return [...(delta === undefined ? [] : [delta]), ...(parts?.next(wasFaulty) ?? [])];
}

type Opening = Pick<UrlPlaceOptions, 'form' | 'crlsOf'>;

function filesAt(site: Site, authority: WatchedAuthority, config: Config, o: AddressParts): SiteFiles {
  const { name } = authority;
  const { graceSeconds, isOurs } = site;
  const { crl, deltaCrl } = publicLocations(site.base, name);
  const open = (address: string, opening: Opening): WatchedPlace =>
    urlPlace({
      ...{ id: site.idOf(address), url: () => site.urlOf(address), graceSeconds, isOurs },
      ...{ authorities: [authority], ...opening },
    });
  return {
    complete: open(crl, { form: 'complete', crlsOf: () => [name] }),
    ...(config.crl.delta === 'on' && {
      // There is none before the second CRL.
      delta: open(deltaCrl, { form: 'delta', crlsOf: () => (o.expectation.hasDelta(name) ? [name] : []) }),
    }),
    ...partsAt(site, name, config, { ...o, open }),
  };
}

/** Of the count of today: those of other counts, which older certificates name, are made in the same way. */
function partsAt(
  site: Site,
  name: string,
  { publicUrl, distribution }: Config,
  o: AddressParts & { open(address: string, opening: Opening): WatchedPlace },
): Pick<SiteFiles, 'parts'> {
  const count = distribution.crlShards;
  if (count === 0 || publicUrl === undefined) return {};
  const { shard } = publicLocations(site.base, name);
  // Wherever a part is read, its scope is the address that certificates name.
  const named = publicLocations(publicUrl, name).shard;
  const formOf = (index: number): PublishedPart => ({
    distributionPoint: named(count, index),
    async checkEntries({ crlNumber, revoked }) {
      const whole = o.held(name);
      // Of another number it is where a cache has it; each replica holds its own against the whole.
      if (whole?.number === crlNumber) await checkPartEntries(revoked, whole.der, { count, index });
    },
  });
  const parts = createPartTurns({
    ...{ count, first: o.firstPart },
    idOf: (index) => site.idOf(shard(count, index)),
    placeOf: (index) => o.open(shard(count, index), { form: formOf(index), crlsOf: () => [name] }),
  });
  return { parts };
}
