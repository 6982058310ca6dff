import { Counter, Gauge, type Registry } from 'prom-client';
import type { RevocationIndex } from '../revocation/revocation-index.ts';
import type { Metrics } from './metrics.ts';

type RevocationIndexFigures = Pick<RevocationIndex, 'size' | 'position' | 'ageMs'>;

/** The series that tell whether this replica knows of every revocation. */
export function revocationIndexMetrics(
  registers: Registry[],
): Pick<Metrics, 'revocationIndex' | 'revocationIndexFailed'> {
  const failures = new Counter({
    name: 'internal_ca_revocation_index_failures_total',
    help: 'How often new revocations could not be read from the database.',
    registers,
  });
  let known: RevocationIndexFigures | undefined;
  const gauge = (name: string, help: string, read: (index: RevocationIndexFigures) => number): void => {
    new Gauge({
      name: `internal_ca_revocation_index_${name}`,
      help,
      registers,
      collect() {
        this.remove();
        if (known !== undefined) this.set(read(known));
      },
    });
  };
  gauge('entries', 'Revocations that this replica answers online from.', (index) => index.size);
  gauge('position', 'The last change of revocations that this replica knows of.', (index) =>
    Number(index.position),
  );
  gauge(
    'age_seconds',
    'Seconds since this replica was last known to miss no revocation.',
    (index) => index.ageMs() / 1000,
  );
  return {
    revocationIndex(index) {
      known = index;
    },
    revocationIndexFailed: () => failures.inc(),
  };
}
