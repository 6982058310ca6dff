import { createRetention } from '../issuance/retention.ts';
import type { LeaderWork } from '../leadership/leadership.ts';
import type { CertificateStore } from '../store/certificates.ts';
import type { Database } from '../store/database.ts';
import { deleteSupersededChanges, thinCrlHistory } from '../store/revocation-changes-retention.ts';
import type { ServiceInput } from './service-input.ts';

/** As long after it lapsed as anybody may ask which CRL was the first to list a certificate, to the second. */
const crlHistorySeconds = 7 * 86_400;

interface RetainedParts {
  readonly certificates: Pick<CertificateStore, 'deleteExpired'>;
  readonly database: Pick<Database, 'query'>;
}

/**
 * The sweeps: of lapsed CRLs; and, if the configuration bounds how long records are kept, of certificates and of what holds and imports
 * leave behind, which is never more than there are records.
 */
export function createRetentionWork(
  { config, log, clock }: ServiceInput,
  { certificates, database }: RetainedParts,
): LeaderWork[] {
  const history = createRetention({
    name: 'crl-history',
    records: { deleteExpired: (before, limit) => thinCrlHistory(database, before, limit) },
    clock,
    retentionSeconds: crlHistorySeconds,
    onDeleted: (count) => log.debug({ count }, 'the history of lapsed CRLs was thinned out'),
    onFailed: (error) => log.warn({ err: error }, 'the history of lapsed CRLs could not be thinned out'),
  });
  const { retentionSeconds } = config.issuance;
  if (retentionSeconds === undefined) return [history];
  const retention = createRetention({
    name: 'retention',
    records: certificates,
    clock,
    retentionSeconds,
    onDeleted: (count) => log.info({ count }, 'records of long expired certificates deleted'),
    onFailed: (error) => log.warn({ err: error }, 'records of expired certificates could not be deleted'),
  });
  const changes = createRetention({
    name: 'revocation-changes',
    records: { deleteExpired: (_before, limit) => deleteSupersededChanges(database, limit) },
    clock,
    retentionSeconds,
    onDeleted: (count) => log.debug({ count }, 'changes of revocations that nothing is left of were deleted'),
    onFailed: (error) => log.warn({ err: error }, 'empty changes of revocations could not be deleted'),
  });
  return [history, retention, changes];
}
