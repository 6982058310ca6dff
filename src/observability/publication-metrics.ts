import { Counter, Gauge, type Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import type { Metrics } from './metrics.ts';

/** What Kubernetes allows in one Secret: the sum of its values, in bytes. */
export const secretSizeLimitBytes = 1_048_576;

type PublicationMetrics = Pick<
  Metrics,
  'publicationSucceeded' | 'publicationFailed' | 'publicationForgotten' | 'publishedSize'
>;

/** The series that tell whether every copy of the Secret is current, and how much of it is left. */
export function publicationMetrics(registers: Registry[], clock: Clock): PublicationMetrics {
  const size = new Gauge({
    name: 'internal_ca_secret_size_bytes',
    help: 'Size of the Secret to publish: ca.crt and ca.crl together.',
    registers,
  });
  new Gauge({
    name: 'internal_ca_secret_size_limit_bytes',
    help: 'What Kubernetes allows in one Secret.',
    registers,
  }).set(secretSizeLimitBytes);
  const ratio = new Gauge({
    name: 'internal_ca_secret_size_ratio',
    help: 'Size of the Secret to publish against the limit; warn at 0.7, past 1 it cannot be written.',
    registers,
  });
  const written = new Map<string, number>();
  const age = new Gauge({
    name: 'internal_ca_publication_age_seconds',
    help: 'Seconds since the copy was last known to be current; only where this replica keeps it.',
    labelNames: ['target'],
    registers,
    collect() {
      for (const [target, at] of written) this.set({ target }, (clock.now() - at) / 1000);
    },
  });
  const errors = new Counter({
    name: 'internal_ca_publication_errors_total',
    help: 'Attempts to write a copy that failed.',
    labelNames: ['target'],
    registers,
  });
  return {
    publicationSucceeded: (target, at) => {
      written.set(target, at.getTime());
      errors.inc({ target }, 0);
    },
    publicationFailed: (target) => errors.inc({ target }),
    publicationForgotten: (target) => {
      written.delete(target);
      age.remove({ target });
      errors.remove({ target });
    },
    publishedSize: (bytes) => {
      size.set(bytes);
      ratio.set(bytes / secretSizeLimitBytes);
    },
  };
}
