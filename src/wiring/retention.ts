import { createRetention } from '../issuance/retention.ts';
import type { CertificateStore } from '../store/certificates.ts';
import type { ServiceInput } from './service-input.ts';

/** Starts the sweeps, if the configuration bounds how long records are kept. */
export function startRetention(
  { config, log, clock }: ServiceInput,
  certificates: Pick<CertificateStore, 'deleteExpired'>,
  cleanUp: AsyncDisposableStack,
): void {
  const { retentionSeconds } = config.issuance;
  if (retentionSeconds === undefined) return;
  const retention = createRetention({
    certificates,
    clock,
    retentionSeconds,
    onDeleted: (count) => log.info({ count }, 'records of long expired certificates deleted'),
    onFailed: (error) => log.warn({ err: error }, 'records of expired certificates could not be deleted'),
  });
  cleanUp.defer(() => retention.close());
  retention.start();
}
