import { Counter, type Registry } from 'prom-client';
import type { Metrics } from './metrics.ts';

const verdicts = ['confirmed', 'contradicted', 'inconclusive'] as const;

export type CountedVerdict = (typeof verdicts)[number];

/** How often doors were tried; how many stand contradicted is asked for at each scrape. */
export function probeMetrics(registers: Registry[]): Pick<Metrics, 'probed'> {
  const probes = new Counter({
    name: 'internal_ca_probes_total',
    help: 'Times that the door of an enforced Ingress was tried by this process, by verdict.',
    labelNames: ['verdict'],
    registers,
  });
  for (const verdict of verdicts) probes.inc({ verdict }, 0);
  return { probed: (verdict) => probes.inc({ verdict }) };
}
