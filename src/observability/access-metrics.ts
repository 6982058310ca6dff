import { Counter, type Registry } from 'prom-client';
import type { Metrics } from './metrics.ts';

/** The series of callers with Kubernetes tokens. */
export function accessMetrics(registers: Registry[]): Pick<Metrics, 'tokenReviewed'> {
  const reviews = new Counter({
    name: 'internal_ca_token_reviews_total',
    help: 'Service account tokens that the Kubernetes API was asked about: accepted, refused or unanswered.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['accepted', 'refused', 'unanswered']) reviews.inc({ outcome }, 0);
  return { tokenReviewed: (outcome) => reviews.inc({ outcome }) };
}
