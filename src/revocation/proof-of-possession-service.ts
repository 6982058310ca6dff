import { Fault } from '../fault.ts';
import type { CertificateStore } from '../store/certificates.ts';
import { readCertificate } from '../x509/certificate.ts';
import { X509Error } from '../x509/x509-error.ts';
import { type ProvableReason, provesPossession, provesPossessionOfOther } from './proof-of-possession.ts';
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
  const { fingerprint } = record;
  if (await proves({ der: record.der, fingerprint }, reason, signature)) return;
  throw new Fault(
    'proof-invalid',
    "The signature is not by the certificate's key over the statement of this certificate and reason",
    { field: '/signature' },
  );
}

/** Imported certificates are perhaps none that can be read, or have keys that nothing is issued for: neither is a fault of ours. */
async function proves(
  { der, fingerprint }: { readonly der: Buffer; readonly fingerprint: string },
  reason: ProvableReason,
  signature: Buffer,
): Promise<boolean> {
  const certificate = readOrUndefined(() => readCertificate(der));
  if (certificate === undefined) return false;
  const publicKey = readOrUndefined(() => certificate.publicKey);
  if (publicKey !== undefined) return await provesPossession({ publicKey, fingerprint }, reason, signature);
  return await provesPossessionOfOther({ spki: certificate.spki, fingerprint }, reason, signature);
}

function readOrUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof X509Error) return undefined;
    throw error;
  }
}
