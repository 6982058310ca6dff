import { Counter, Gauge, type Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import type { Metrics } from './metrics.ts';

/** The series of the service's own TLS certificate. Without TLS the gauge has no value. */
export function tlsMetrics(
  registers: Registry[],
  clock: Clock,
): Pick<Metrics, 'tlsServed' | 'tlsReloadFailed'> {
  let notAfter: Date | undefined;
  new Gauge({
    name: 'internal_ca_tls_certificate_seconds_to_expiry',
    help: "Seconds until the service's own TLS certificate expires; below zero its callers refuse it.",
    registers,
    collect() {
      this.remove();
      if (notAfter !== undefined) this.set((notAfter.getTime() - clock.now()) / 1000);
    },
  });
  const failures = new Counter({
    name: 'internal_ca_tls_reload_failures_total',
    help: 'New TLS files that could not be used; the certificate before goes on being served.',
    registers,
  });
  return {
    tlsServed: (until) => {
      notAfter = until;
    },
    tlsReloadFailed: () => failures.inc(),
  };
}
