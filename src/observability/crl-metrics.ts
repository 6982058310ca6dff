import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import { crlChecks } from '../revocation/crl-check-failed.ts';
import type { Metrics } from './metrics.ts';

const buildBuckets = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60];

type CrlMetrics = Pick<Metrics, 'crlBuilt' | 'crlBuildFailed' | 'crlCheckFailed' | 'crlCurrent'>;

/** The series that tell whether the CRL is current. */
export function crlMetrics(registers: Registry[], clock: Clock): CrlMetrics {
  const labelNames = ['authority'];
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `internal_ca_crl_${name}`, help, labelNames, registers });
  const number = gauge('number', 'CRLNumber of the current CRL.');
  const entries = gauge('entries', 'Revoked certificates in the current CRL.');
  const size = gauge('size_bytes', 'Size of the current CRL in DER.');
  const nextUpdate = gauge('next_update_timestamp_seconds', 'nextUpdate of the current CRL, as Unix time.');
  const nextUpdates = new Map<string, number>();
  new Gauge({
    name: 'internal_ca_crl_seconds_to_next_update',
    help: 'Seconds until the current CRL lapses; below zero every client is refused.',
    labelNames,
    registers,
    collect() {
      for (const [authority, at] of nextUpdates) this.set({ authority }, (at - clock.now()) / 1000);
    },
  });
  const builds = new Counter({
    name: 'internal_ca_crl_builds_total',
    help: 'CRL builds by outcome, success or failure.',
    labelNames: ['authority', 'outcome'],
    registers,
  });
  const refused = new Counter({
    name: 'internal_ca_crl_check_failures_total',
    help: 'CRLs that were made but not published, as a check of them failed; by the check.',
    labelNames: ['check'],
    registers,
  });
  for (const check of crlChecks) refused.inc({ check }, 0);
  const duration = new Histogram({
    name: 'internal_ca_crl_build_duration_seconds',
    help: 'Time to build, sign and store a CRL.',
    labelNames,
    buckets: buildBuckets,
    registers,
  });
  return {
    crlBuilt: (authority, seconds) => {
      builds.inc({ authority, outcome: 'success' });
      duration.observe({ authority }, seconds);
    },
    crlBuildFailed: (authority) => builds.inc({ authority, outcome: 'failure' }),
    crlCheckFailed: (check) => refused.inc({ check }),
    crlCurrent: (authority, current) => {
      number.set({ authority }, Number(current.number));
      entries.set({ authority }, current.entries);
      size.set({ authority }, current.sizeBytes);
      nextUpdate.set({ authority }, current.nextUpdate.getTime() / 1000);
      nextUpdates.set(authority, current.nextUpdate.getTime());
    },
  };
}
