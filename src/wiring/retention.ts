import { createRetention } from '../issuance/retention.ts';
import type { LeaderWork } from '../leadership/leadership.ts';
import type { CertificateStore } from '../store/certificates.ts';
import type { ServiceInput } from './service-input.ts';

/** The sweeps, if the configuration bounds how long records are kept. */
export function createRetentionWork(
  { config, log, clock }: ServiceInput,
  certificates: Pick<CertificateStore, 'deleteExpired'>,
): LeaderWork[] {
  const { retentionSeconds } = config.issuance;
  if (retentionSeconds === undefined) return [];
  const retention = createRetention({
    certificates,
    clock,
    retentionSeconds,
    onDeleted: (count) => log.info({ count }, 'records of long expired certificates deleted'),
    onFailed: (error) => log.warn({ err: error }, 'records of expired certificates could not be deleted'),
  });
  return [retention];
}
