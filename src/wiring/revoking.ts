import type { HttpParts } from '../http/parts.ts';
import { measuredBulkRevocation, measuredRevocation } from '../observability/measured.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createBulkRevocationService } from '../revocation/bulk-revocation.ts';
import { createProofOfPossessionService } from '../revocation/proof-of-possession-service.ts';
import { createRevocationService } from '../revocation/revocation-service.ts';
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

/** Every way to revoke: one, all that match, and with the certificate's own key. */
export function createRevoking(
  { clock }: Pick<ServiceInput, 'clock'>,
  { database, certificates, metrics, onRevoked }: RevokingParts,
): Pick<HttpParts, 'revocation' | 'bulkRevocation' | 'proofOfPossession'> {
  const store = createBulkRevocationStore(database);
  const revocations = createRevocationStore(database);
  const revocation = measuredRevocation(
    createRevocationService({ certificates, revocations, bulk: store, clock, onRevoked }),
    metrics,
  );
  return {
    revocation,
    bulkRevocation: measuredBulkRevocation(createBulkRevocationService({ store, clock, onRevoked }), metrics),
    proofOfPossession: createProofOfPossessionService({ certificates, revocation }),
  };
}
