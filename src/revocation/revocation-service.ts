import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { CertificateStore } from '../store/certificates.ts';
import type { RevocationStore } from '../store/revocations.ts';
import { encodeRevokedEntry, type RevocationReason } from '../x509/crl.ts';

export interface RevokeRequest {
  /** Lower-case hex. */
  readonly serial: string;
  /** Undefined: `unspecified`, or whatever an earlier revocation said. */
  readonly reason: RevocationReason | undefined;
  readonly requester: string;
}

export interface Revocation {
  readonly serial: string;
  readonly reason: RevocationReason;
  readonly revokedAt: Date;
  /** False when the certificate was revoked before; then the earlier revocation stands. */
  readonly created: boolean;
}

export interface RevocationService {
  /**
   * Revokes a certificate for good. When it resolves, the revocation has committed and is in every later CRL
   * (rule 2). Asking again is answered with what stands.
   * @throws Fault certificate-not-found, revocation-conflict (revoked before, for another reason)
   */
  revoke(request: RevokeRequest): Promise<Revocation>;
}

export interface RevocationParts {
  readonly certificates: Pick<CertificateStore, 'findBySerial'>;
  readonly revocations: Pick<RevocationStore, 'revoke'>;
  readonly clock: Clock;
  /** Called after the commit; `urgent` when a key is in the wrong hands. */
  readonly onRevoked: (authority: string, urgent: boolean) => void;
}

export function createRevocationService(parts: RevocationParts): RevocationService {
  return {
    async revoke({ serial, reason, requester }) {
      const certificate = await parts.certificates.findBySerial(serial);
      if (certificate === undefined) {
        throw new Fault('certificate-not-found', `There is no certificate with the serial ${serial}`);
      }
      const wanted = reason ?? certificate.revocation?.reason ?? 'unspecified';
      // Whole seconds, as the CRL has them (RFC 5280 5.1.2.4): what we answer is what the CRL says.
      const revokedAt = new Date(Math.floor(parts.clock.now() / 1000) * 1000);
      const outcome = await parts.revocations.revoke({
        serial,
        authority: certificate.authority,
        reason: wanted,
        revokedAt,
        requester,
        entry: encodeRevokedEntry({
          serial: Buffer.from(serial, 'hex'),
          revocationDate: revokedAt,
          reason: wanted,
        }),
        // A key reported as compromised is refused from now on, in whatever certificate it comes back.
        blockSpki: wanted === 'keyCompromise',
      });
      const { revocation, created } = outcome;
      if (created) parts.onRevoked(certificate.authority, wanted === 'keyCompromise');
      else if (revocation.reason !== wanted) throw conflict(serial, revocation.reason, wanted);
      return { serial, reason: revocation.reason, revokedAt: revocation.revokedAt, created };
    },
  };
}

function conflict(serial: string, reason: RevocationReason, wanted: RevocationReason): Fault {
  const blocked = wanted === 'keyCompromise' ? '; its key is refused from now on all the same' : '';
  const detail = `The certificate ${serial} is already revoked, with the reason ${reason}${blocked}`;
  return new Fault('revocation-conflict', detail, { field: 'reason' });
}
