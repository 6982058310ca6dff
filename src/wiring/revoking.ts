import type { HttpParts } from '../http/parts.ts';
import type { LeaderWork } from '../leadership/leadership.ts';
import { measuredBulkRevocation, measuredRevocation } from '../observability/measured.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createBlockedKeySweep } from '../revocation/blocked-key-sweep.ts';
import { createBulkRevocationService } from '../revocation/bulk-revocation.ts';
import { createProofOfPossessionService } from '../revocation/proof-of-possession-service.ts';
import { createRevocationService } from '../revocation/revocation-service.ts';
import { createBlockedKeyStore } from '../store/blocked-keys.ts';
import { createBulkRevocationStore } from '../store/bulk-revocation.ts';
import type { CertificateStore } from '../store/certificates.ts';
import type { Database } from '../store/database.ts';
import { createRevocationStore } from '../store/revocations.ts';
import type { ServiceInput } from './service-input.ts';

interface RevokingParts {
  readonly database: Database;
  readonly certificates: Pick<CertificateStore, 'findBySerial'>;
  readonly metrics: Pick<Metrics, 'certificateRevoked' | 'holdReleased'>;
  readonly onRevoked: (authority: string, urgent: boolean) => void;
}

interface Revoking {
  readonly parts: Pick<HttpParts, 'revocation' | 'bulkRevocation' | 'proofOfPossession'>;
  readonly leaderWork: LeaderWork;
}

/** Every way to revoke: one, all that match, with the certificate's own key, and what a blocked key still has. */
export function createRevoking(
  { clock, log }: Pick<ServiceInput, 'clock' | 'log'>,
  { database, certificates, metrics, onRevoked }: RevokingParts,
): Revoking {
  const store = createBulkRevocationStore(database);
  const revocations = createRevocationStore(database);
  const revocation = measuredRevocation(
    createRevocationService({ certificates, revocations, bulk: store, clock, onRevoked }),
    metrics,
  );
  return {
    parts: {
      revocation,
      bulkRevocation: measuredBulkRevocation(
        createBulkRevocationService({ store, clock, onRevoked }),
        metrics,
      ),
      proofOfPossession: createProofOfPossessionService({ certificates, revocation }),
    },
    leaderWork: createBlockedKeySweep({
      keys: createBlockedKeyStore(database),
      revocation,
      clock,
      onRevoked: (serial) =>
        log.warn({ serial }, 'a certificate of a compromised key was found, and revoked'),
      onFailed: (error) =>
        log.warn({ err: error }, 'certificates of compromised keys could not be looked for'),
    }),
  };
}
