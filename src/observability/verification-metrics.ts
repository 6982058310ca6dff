import { Counter, type Registry } from 'prom-client';
import type { Metrics } from './metrics.ts';

/** How live verification was answered. The outcomes are those of `VerifyReason`, and the two by which a client comes in. */
export function verificationMetrics(registers: Registry[]): Pick<Metrics, 'verified'> {
  const answers = new Counter({
    name: 'internal_ca_verifications_total',
    help: 'Answers of live verification by this process: admitted, admitted-without-certificate, or why not.',
    labelNames: ['outcome'],
    registers,
  });
  answers.inc({ outcome: 'admitted' }, 0);
  answers.inc({ outcome: 'revoked' }, 0);
  return { verified: (outcome) => answers.inc({ outcome }) };
}
