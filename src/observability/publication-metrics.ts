import { Counter, Gauge, type Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import type { Metrics } from './metrics.ts';

type PublicationMetrics = Pick<
  Metrics,
  'publicationSucceeded' | 'publicationFailed' | 'publicationForgotten'
>;

/** The series that tell whether every copy of the Secret is current. */
export function publicationMetrics(registers: Registry[], clock: Clock): PublicationMetrics {
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
  };
}
