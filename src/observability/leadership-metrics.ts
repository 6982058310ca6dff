import { Counter, Gauge, type Registry } from 'prom-client';
import type { Metrics } from './metrics.ts';

/** The series that tell who leads. Each replica has its own view; over all of them one leads. */
export function leadershipMetrics(registers: Registry[]): Pick<Metrics, 'leadership'> {
  const leader = new Gauge({
    name: 'internal_ca_leader',
    help: 'Whether this replica leads: builds CRLs, publishes and reconciles. 1 or 0.',
    registers,
  });
  const epoch = new Gauge({
    name: 'internal_ca_leadership_epoch',
    help: 'Number of the present term as this replica last saw it; it rises with every change of the leader.',
    registers,
  });
  const changes = new Counter({
    name: 'internal_ca_leadership_changes_total',
    help: 'Changes of the leader that this replica has seen.',
    registers,
  });
  let last = 0n;
  return {
    leadership(status) {
      leader.set(status.leading ? 1 : 0);
      epoch.set(Number(status.epoch));
      if (last !== 0n && status.epoch !== last) changes.inc();
      last = status.epoch;
    },
  };
}
