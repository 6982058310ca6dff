import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { KnownRevocation, RevocationIndex } from '../revocation/revocation-index.ts';
import type { IssuedSerial } from '../store/issued-serials.ts';
import type { CertStatus } from '../x509/ocsp-response.ts';
import type { KnownCertificates } from './known-certificates.ts';

export interface AssessParts {
  readonly index: Pick<RevocationIndex, 'lookup' | 'ageMs'>;
  readonly known: KnownCertificates;
  readonly clock: Clock;
  readonly maxStalenessSeconds: number;
}

export interface Assessment {
  /** One for each serial asked for, in the same order. */
  readonly statuses: readonly CertStatus[];
  /** When all that is known of revocations was known to be complete; milliseconds since 1970. */
  readonly asOf: number;
}

/**
 * What is to be said of an authority's certificates, as of now.
 * @param serials undefined: of somebody else's, or of nobody's
 * @throws Fault database-unavailable when a serial is in no memory and the database cannot tell, or when what is known is too old
 */
export async function assess(
  { index, known, clock, maxStalenessSeconds }: AssessParts,
  authority: string,
  serials: readonly (string | undefined)[],
): Promise<Assessment> {
  const open = serials.filter((serial) => serial !== undefined && !index.lookup(authority, serial));
  const issued = await known.find(open.filter((serial) => serial !== undefined));
  // From here on nothing waits: the revocations are looked up after the question, so that none of meanwhile is missed.
  const age = index.ageMs();
  if (age > maxStalenessSeconds * 1000) {
    throw new Fault('database-unavailable', 'What is known of revocations is too old to answer for');
  }
  const now = clock.now();
  const statusOf = (serial: string | undefined): CertStatus => {
    if (serial === undefined) return { kind: 'unknown' };
    const revocation = index.lookup(authority, serial);
    return revocation === undefined ? goodOrUnknown(issued.get(serial), authority, now) : revoked(revocation);
  };
  return { statuses: serials.map(statusOf), asOf: now - age };
}

/** Revocations are forgotten with the certificate's end, so of one that has expired nothing is known any more. */
function goodOrUnknown(issued: IssuedSerial | undefined, authority: string, now: number): CertStatus {
  const ours = issued?.authority === authority && now < issued.notAfter.getTime();
  return { kind: ours ? 'good' : 'unknown' };
}

function revoked({ revokedAt, reason }: KnownRevocation): CertStatus {
  return { kind: 'revoked', revokedAt, reason };
}
