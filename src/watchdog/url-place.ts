import { decodePemInSteps } from '../encoding/decode-pem-in-steps.ts';
import { PemError } from '../encoding/pem.ts';
import type { Content, Wanted, WatchedPlace } from './content.ts';
import { type FetchedFile, type FetchOptions, fetchFile, NotFetched } from './fetch-file.ts';
import {
  BrokenContent,
  type CrlReading,
  type PublishedForm,
  readPublishedCrl,
  type WatchedAuthority,
} from './read-crl.ts';

export interface UrlPlaceOptions {
  readonly id: string;
  url(): URL;
  readonly graceSeconds: number;
  readonly authorities: readonly WatchedAuthority[];
  readonly form: PublishedForm;
  /** The authorities whose CRL has to be there; asked at each judgement. */
  crlsOf(): readonly string[];
  /** It is we who serve it: any answer but the file is a fault of ours, and our certificate is for another name. */
  readonly isOurs: boolean;
}

/** A CRL of a million entries has 40 MB. */
const maxOctets = 64 * 1024 * 1024;
const timeoutMs = 60_000;
const begin = '-----BEGIN ';

/**
 * A CRL at an address, as relying parties fetch it: DER, or PEM where somebody serves that. It is not sent again while its tag
 * stands; what is not well is asked for without the tag, in case that is what is wrong.
 */
export function urlPlace(o: UrlPlaceOptions): WatchedPlace {
  let held: { readonly etag: string; readonly reading: CrlReading } | undefined;

  function wanted(): Wanted {
    return { crlsOf: o.crlsOf(), mayHaveCrls: true };
  }

  async function fetchOnce(over: AbortSignal): Promise<FetchedFile | Content> {
    const options: FetchOptions = { etag: held?.etag, maxOctets, timeoutMs, over, anyCertificate: o.isOurs };
    try {
      return await fetchFile(o.url(), options);
    } catch (error) {
      const { status } = error instanceof NotFetched ? error : {};
      const isMissing = status === 404 || status === 410 || (o.isOurs && status !== undefined);
      if (!isMissing) throw error;
      if (o.crlsOf().length === 0 && o.form === 'delta') return { kind: 'gone' };
      return { kind: 'missing', detail: `the answer has status ${status}` };
    }
  }

  async function look(over: AbortSignal): Promise<Content> {
    const fetched = await fetchOnce(over);
    if ('kind' in fetched) return fetched;
    if (fetched.octets === undefined)
      return { kind: 'content', crls: held === undefined ? [] : [held.reading] };
    held = undefined;
    try {
      const der = await derOf(fetched.octets);
      const reading = await readPublishedCrl(der, o.authorities, o.form);
      if (fetched.etag !== undefined) held = { etag: fetched.etag, reading };
      return { kind: 'content', crls: [reading] };
    } catch (error) {
      if (error instanceof BrokenContent) return { kind: 'broken', detail: error.message };
      throw error;
    }
  }

  return {
    id: o.id,
    graceSeconds: o.graceSeconds,
    wanted,
    look,
    doubt() {
      held = undefined;
    },
  };
}

async function derOf(octets: Buffer): Promise<Buffer> {
  if (octets.toString('latin1', 0, begin.length) !== begin) return octets;
  try {
    const [block, ...others] = await decodePemInSteps(octets, 'X509 CRL');
    if (block === undefined || others.length > 0) throw new BrokenContent('it is not one CRL');
    return block;
  } catch (error) {
    if (error instanceof PemError) throw new BrokenContent(error.message);
    throw error;
  }
}

/** An address as it may be shown: user info and query can be secrets. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
