import type { Authority } from '../authority/authority.ts';
import { sha256InSteps } from '../encoding/in-steps.ts';
import { Fault } from '../fault.ts';
import type { CrlForms } from '../store/crl-forms.ts';
import type { CrlStore, StoredCrl } from '../store/crls.ts';
import { encodePemInSteps } from './pem-in-steps.ts';

/** The CRL in force, as the public files and the Secret carry it. */
export interface CurrentCrl {
  readonly der: Buffer;
  /** Encoded when first asked for. */
  pem(): Promise<Buffer>;
  readonly number: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Lower-case hex of the DER's SHA-256. */
  readonly sha256: string;
  readonly entryCount: number;
  /** The same without reason codes, signed for itself; only where this one fills more than half of a Secret, and it fits. */
  readonly compact?: CrlForm;
  /** What has changed since an older complete one; only with CRL_DELTA=on. */
  readonly delta?: CrlForm & { readonly baseNumber: bigint };
}

/** Another form of a CRL, with the same number and times. */
export interface CrlForm {
  readonly der: Buffer;
  /** Encoded when first asked for. */
  pem(): Promise<Buffer>;
  /** Lower-case hex of the DER's SHA-256. */
  readonly sha256: string;
}

/**
 * Holds the latest CRL of each authority in memory: a GET costs no query, and the files are served on while the
 * database is away.
 */
export interface CrlFiles {
  /** @throws Fault database-unavailable while no CRL was ever read */
  current(authority: string): Promise<CurrentCrl>;
  /** The one at hand, if any was ever read. */
  held(authority: string): CurrentCrl | undefined;
  /** Looks whether the database has a newer one. @returns whether there was */
  refresh(authority: string): Promise<boolean>;
}

export function createCrlFiles(
  crls: Pick<CrlStore, 'latest' | 'latestDer'>,
  authorities: readonly Pick<Authority, 'name'>[],
): CrlFiles {
  const held = new Map<string, CurrentCrl>();
  const known = new Set(authorities.map(({ name }) => name));

  async function refresh(authority: string): Promise<boolean> {
    const latest = await crls.latest(authority);
    if (latest === undefined || latest.number <= (held.get(authority)?.number ?? 0n)) return false;
    const loaded = await crls.latestDer(authority);
    if (loaded === undefined || loaded.number <= (held.get(authority)?.number ?? 0n)) return false;
    held.set(authority, await toCurrent(loaded));
    return true;
  }

  return {
    refresh,
    held: (authority) => held.get(authority),
    async current(authority) {
      if (!known.has(authority)) {
        throw new Fault('authority-not-found', `There is no authority named ${authority}`);
      }
      if (!held.has(authority)) await refresh(authority);
      const crl = held.get(authority);
      if (crl === undefined) throw new Fault('database-unavailable', `No CRL of ${authority} is at hand yet`);
      return crl;
    },
  };
}

/** @throws Error when the bytes are not those that were stored: then the one before stays */
async function toCurrent(loaded: StoredCrl & CrlForms): Promise<CurrentCrl> {
  const { number, thisUpdate, nextUpdate, entryCount, compact, delta } = loaded;
  const form = await toForm(loaded.der);
  if (form.sha256 !== loaded.sha256) throw new Error(`The stored CRL ${number} is not what was stored`);
  return {
    ...form,
    ...{ number, thisUpdate, nextUpdate, entryCount },
    ...(compact && { compact: await toForm(compact) }),
    ...(delta && { delta: { ...(await toForm(delta.der)), baseNumber: delta.baseNumber } }),
  };
}

async function toForm(der: Buffer): Promise<CrlForm> {
  let pem: Promise<Buffer> | undefined;
  return {
    der,
    sha256: (await sha256InSteps([der])).toString('hex'),
    pem: () => {
      pem ??= encodePemInSteps('X509 CRL', der);
      return pem;
    },
  };
}
