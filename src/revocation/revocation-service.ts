import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { BulkRevocationStore } from '../store/bulk-revocation.ts';
import type { CertificateStore, StoredCertificate } from '../store/certificates.ts';
import type { RevocationOutcome, RevocationStore } from '../store/revocations.ts';
import { encodeRevokedEntry } from '../x509/crl.ts';
import type { RevocationReason } from '../x509/revocation-reason.ts';
import { isUrgent, revocationDate, revokedEntry } from './revocation-facts.ts';

export interface RevokeRequest {
  /** Lower-case hex. */
  readonly serial: string;
  /** Undefined: `unspecified`, or whatever an earlier revocation said that is for good. */
  readonly reason: RevocationReason | undefined;
  readonly requester: string;
}

/** The other certificates of the same key that have not expired. All of them are revoked. */
export interface Siblings {
  readonly count: number;
  /** The first hundred, in ascending order. */
  readonly serials: readonly string[];
}

export interface Revocation {
  readonly serial: string;
  readonly reason: RevocationReason;
  readonly revokedAt: Date;
  /** How many certificates this call gave the reason, siblings included; 0 when all of it stood before. */
  readonly revoked: number;
  /** With keyCompromise, when there are any. */
  readonly siblings?: Siblings;
}

export interface ReleaseRequest {
  /** Lower-case hex. */
  readonly serial: string;
  readonly requester: string;
}

export interface Release {
  readonly serial: string;
  readonly releasedAt: Date;
}

export interface RevocationService {
  /**
   * Revokes a certificate: with certificateHold until it is released, else for good. When it resolves, the revocation has
   * committed and is in every later CRL (rule 2). Asking again is answered with what stands. A hold takes any other reason, and every
   * revocation takes keyCompromise, which also revokes the siblings and blocks the key.
   * @throws Fault certificate-not-found, revocation-conflict (revoked before, for another reason)
   */
  revoke(request: RevokeRequest): Promise<Revocation>;
  /**
   * Takes a certificateHold back: the next CRL lists the certificate no more.
   * @throws Fault certificate-not-found, not-on-hold
   */
  release(request: ReleaseRequest): Promise<Release>;
}

export interface RevocationParts {
  readonly certificates: Pick<CertificateStore, 'findBySerial'>;
  readonly revocations: Pick<RevocationStore, 'revoke' | 'updateReason' | 'releaseHold'>;
  readonly bulk: Pick<BulkRevocationStore, 'revoke'>;
  readonly clock: Clock;
  /** Called after the commit; `urgent` when a key is in the wrong hands. */
  readonly onRevoked: (authority: string, urgent: boolean) => void;
}

export function createRevocationService(parts: RevocationParts): RevocationService {
  return {
    async revoke(request) {
      const certificate = await existing(parts, request.serial);
      return request.reason === 'keyCompromise'
        ? await revokeKey(parts, certificate, request.requester)
        : await revokeOne(parts, certificate, request);
    },

    async release({ serial, requester }) {
      const { authority, revocation } = await existing(parts, serial);
      if (revocation?.reason !== 'certificateHold') throw notOnHold(serial, revocation?.reason);
      const releasedAt = revocationDate(parts.clock);
      const entry = encodeRevokedEntry({
        serial: Buffer.from(serial, 'hex'),
        revocationDate: releasedAt,
        reason: 'removeFromCRL',
      });
      const released = await parts.revocations.releaseHold({
        ...{ serial, authority, releasedAt, requester, entry },
      });
      if (!released) throw notOnHold(serial, undefined);
      parts.onRevoked(authority, false);
      return { serial, releasedAt };
    },
  };
}

async function existing(
  { certificates }: Pick<RevocationParts, 'certificates'>,
  serial: string,
): Promise<StoredCertificate> {
  const certificate = await certificates.findBySerial(serial);
  if (certificate !== undefined) return certificate;
  throw new Fault('certificate-not-found', `There is no certificate with the serial ${serial}`);
}

/** Each time round, others have put the certificate on hold or released it between two of our statements. */
const patience = 10;

async function revokeOne(
  parts: RevocationParts,
  certificate: StoredCertificate,
  { reason, requester }: RevokeRequest,
): Promise<Revocation> {
  const { serial, authority } = certificate;
  const wanted = reason ?? finalReasonOf(certificate) ?? 'unspecified';
  for (let round = 0; round < patience; round++) {
    const outcome = await record(parts, certificate, wanted, requester);
    if (outcome === undefined) continue;
    const { reason: standing, revokedAt } = outcome.revocation;
    const answer = { serial, reason: standing, revokedAt };
    if (outcome.created) return revoked(parts, authority, { ...answer, revoked: 1 });
    if (standing === wanted) return { ...answer, revoked: 0 };
    if (standing !== 'certificateHold') {
      // Without a reason, whatever stands is what was asked for.
      if (reason === undefined) return { ...answer, revoked: 0 };
      throw conflict(serial, standing);
    }
    const updated = await parts.revocations.updateReason({
      ...{ serial, authority, requester, revokedAt, reason: wanted, from: ['certificateHold'] },
      entry: revokedEntry(serial, revokedAt, wanted),
    });
    if (updated) return revoked(parts, authority, { ...answer, reason: wanted, revoked: 1 });
  }
  throw new Fault('conflict', `The certificate ${serial} is being held and released all the time`);
}

/** @returns undefined when a hold was released in this very moment */
async function record(
  { revocations, clock }: RevocationParts,
  { serial, authority }: StoredCertificate,
  reason: RevocationReason,
  requester: string,
): Promise<RevocationOutcome | undefined> {
  const revokedAt = revocationDate(clock);
  try {
    return await revocations.revoke({
      ...{ serial, authority, requester, reason, revokedAt, blockSpki: false },
      entry: revokedEntry(serial, revokedAt, reason),
    });
  } catch (error) {
    if (error instanceof Fault && error.code === 'conflict') return undefined;
    throw error;
  }
}

/** A hold is no answer to somebody who revokes without a reason: that is for good. */
function finalReasonOf({ revocation }: StoredCertificate): RevocationReason | undefined {
  return revocation?.reason === 'certificateHold' ? undefined : revocation?.reason;
}

function revoked(parts: RevocationParts, authority: string, revocation: Revocation): Revocation {
  parts.onRevoked(authority, isUrgent(revocation.reason));
  return revocation;
}

const shownSiblings = 100;

/**
 * Whoever has the key is every certificate of it: all that have not expired go together, in one transaction, and the key
 * is refused from now on in whatever CSR it comes back.
 */
async function revokeKey(
  parts: RevocationParts,
  { serial, spkiSha256 }: StoredCertificate,
  requester: string,
): Promise<Revocation> {
  const reason = 'keyCompromise';
  const revokedAt = revocationDate(parts.clock);
  const outcome = await parts.bulk.revoke(
    {
      ...{ serial, reason, revokedAt, requester, withSameKeys: false, blockKeys: true },
      filter: { spkiSha256 },
      now: new Date(parts.clock.now()),
      entryOf: (each, date) => revokedEntry(each, date, reason),
    },
    shownSiblings + 1,
    () => undefined,
  );
  for (const authority of outcome.authorities) parts.onRevoked(authority, true);
  // Its date is that of the first revocation, whoever that was.
  const { revocation } = await existing(parts, serial);
  const siblings = {
    count: outcome.matched - 1,
    serials: outcome.serials.filter((each) => each !== serial).slice(0, shownSiblings),
  };
  return {
    ...{ serial, reason, revokedAt: revocation?.revokedAt ?? revokedAt, revoked: outcome.revoked },
    ...(siblings.count === 0 ? {} : { siblings }),
  };
}

function conflict(serial: string, reason: RevocationReason): Fault {
  const detail = `The certificate ${serial} is already revoked, with the reason ${reason}`;
  return new Fault('revocation-conflict', detail, { field: 'reason' });
}

function notOnHold(serial: string, reason: RevocationReason | undefined): Fault {
  const state = reason === undefined ? 'is not revoked' : `is revoked for good, with the reason ${reason}`;
  return new Fault('not-on-hold', `The certificate ${serial} ${state}`);
}
