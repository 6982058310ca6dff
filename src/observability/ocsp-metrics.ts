import { Counter, Gauge, type Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import type { OcspOutcome } from '../ocsp/ocsp-service.ts';
import type { Metrics } from './metrics.ts';

const outcomes: readonly OcspOutcome[] = [
  'good',
  'revoked',
  'unknown',
  'malformedRequest',
  'internalError',
  'tryLater',
  'unauthorized',
];

type OcspMetrics = Pick<Metrics, 'ocspAnswered' | 'ocspSigned' | 'ocspResponder' | 'ocspResponderFailed'>;

/** What was answered about certificates, and whether there is something to sign it with. */
export function ocspMetrics(registers: Registry[], clock: Clock): OcspMetrics {
  const answers = new Counter({
    name: 'internal_ca_ocsp_answers_total',
    help: 'Certificates that were answered for by OCSP, by status, and requests that got an error instead.',
    labelNames: ['status'],
    registers,
  });
  for (const status of outcomes) answers.inc({ status }, 0);
  const signatures = new Counter({
    name: 'internal_ca_ocsp_signatures_total',
    help: 'OCSP answers that were signed; the others were signed before.',
    registers,
  });
  const responders = new Map<string, { readonly notAfter: number; readonly renewalSeconds: number }>();
  const gauge = (name: string, help: string, secondsOf: (authority: string) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['authority'],
      registers,
      collect() {
        for (const authority of responders.keys()) this.set({ authority }, secondsOf(authority));
      },
    });
  };
  gauge(
    'internal_ca_ocsp_responder_seconds_to_expiry',
    'Seconds until the certificate expires that OCSP answers of this process are signed with; then it answers tryLater.',
    (authority) => ((responders.get(authority)?.notAfter ?? 0) - clock.now()) / 1000,
  );
  gauge(
    'internal_ca_ocsp_responder_renewal_seconds',
    'How long before its end that certificate is renewed; less than that left means that this did not happen.',
    (authority) => responders.get(authority)?.renewalSeconds ?? 0,
  );
  const failures = new Counter({
    name: 'internal_ca_ocsp_responder_failures_total',
    help: 'Times that no certificate for OCSP answers could be had.',
    labelNames: ['authority'],
    registers,
  });
  return {
    ocspAnswered: (status) => answers.inc({ status }),
    ocspSigned: () => signatures.inc(),
    ocspResponder(authority, { notAfter, renewAt }) {
      const renewalSeconds = (notAfter.getTime() - renewAt.getTime()) / 1000;
      responders.set(authority, { notAfter: notAfter.getTime(), renewalSeconds });
      failures.inc({ authority }, 0);
    },
    ocspResponderFailed: (authority) => failures.inc({ authority }),
  };
}
