import { Counter, Gauge, type Registry } from 'prom-client';
import type { Metrics } from './metrics.ts';

/** The series that tell whether this replica knows of every revocation. */
export function revocationIndexMetrics(
  registers: Registry[],
): Pick<Metrics, 'revocationIndex' | 'revocationIndexFailed'> {
  const failures = new Counter({
    name: 'internal_ca_revocation_index_failures_total',
    help: 'How often new revocations could not be read from the database.',
    registers,
  });
  return {
    revocationIndex(index) {
      const gauge = (name: string, help: string, read: () => number): void => {
        new Gauge({
          name: `internal_ca_revocation_index_${name}`,
          help,
          registers,
          collect() {
            this.set(read());
          },
        });
      };
      gauge('entries', 'Revocations that this replica answers online from.', () => index.size);
      gauge('position', 'The last change of revocations that this replica knows of.', () =>
        Number(index.position),
      );
      gauge(
        'age_seconds',
        'Seconds since this replica was last known to miss no revocation.',
        () => index.ageMs() / 1000,
      );
    },
    revocationIndexFailed: () => failures.inc(),
  };
}
