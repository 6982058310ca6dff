import { Fault } from '../fault.ts';
import type { CertificateStore } from '../store/certificates.ts';
import { readCertificate } from '../x509/certificate.ts';
import { type ProvableReason, provesPossession } from './proof-of-possession.ts';
import type { Revocation, RevocationService } from './revocation-service.ts';

export interface ProvenRevokeRequest {
  /** Lower-case hex. */
  readonly serial: string;
  readonly reason: ProvableReason;
  /** By the certificate's key over `revocationStatement`. */
  readonly signature: Buffer;
}

export interface ProofOfPossessionService {
  /**
   * Revokes a certificate for whoever has its key, as `RevocationService.revoke` does.
   * @throws Fault certificate-not-found, proof-invalid, too-many-requests, revocation-conflict
   */
  revoke(request: ProvenRevokeRequest): Promise<Revocation>;
}

export interface ProofOfPossessionParts {
  readonly certificates: Pick<CertificateStore, 'findBySerial'>;
  readonly revocation: Pick<RevocationService, 'revoke'>;
}

/**
 * Anybody may ask, and an RSA-8192 check takes a millisecond of a thread that signing needs too: no more than this at once, so
 * that a flood of them holds up nobody else.
 */
export const atOnce = 4;

export function createProofOfPossessionService(parts: ProofOfPossessionParts): ProofOfPossessionService {
  let inProgress = 0;
  return {
    async revoke(request) {
      if (inProgress >= atOnce) {
        throw new Fault('too-many-requests', 'Too many proofs are being checked just now', {
          retryAfterSeconds: 1,
        });
      }
      inProgress++;
      try {
        await checkProof(parts, request);
      } finally {
        inProgress--;
      }
      const { serial, reason } = request;
      // Who had it revoked: the certificate itself.
      return await parts.revocation.revoke({ serial, reason, requester: `certificate:${serial}` });
    },
  };
}

async function checkProof(
  { certificates }: ProofOfPossessionParts,
  { serial, reason, signature }: ProvenRevokeRequest,
): Promise<void> {
  const record = await certificates.findBySerial(serial);
  if (record === undefined) {
    throw new Fault('certificate-not-found', `There is no certificate with the serial ${serial}`);
  }
  const { publicKey } = readCertificate(record.der);
  const { fingerprint } = record;
  if (await provesPossession({ publicKey, fingerprint }, reason, signature)) return;
  throw new Fault(
    'proof-invalid',
    "The signature is not by the certificate's key over the statement of this certificate and reason",
    { field: '/signature' },
  );
}
