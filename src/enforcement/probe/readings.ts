import type { ProbeAnswer, Refusal, UnansweredKind } from './probe-report.ts';

/**
 * What an answer on the TLS port says about the certificate that was shown, or about none. `from-behind`: an answer that a
 * load balancer or the controller gives for an application which does not answer; whether it passed the check is open.
 */
export type Reading =
  | 'let-in'
  | 'refused'
  | 'refused-by-name'
  | 'closed'
  | 'unverifiable'
  | 'perhaps'
  | 'from-behind'
  | 'nothing';

/** RFC 8446 6.2: alerts about the client's certificate. `handshake_failure` is how TLS 1.2 says that one is missing. */
const certificateAlerts: ReadonlySet<string> = new Set([
  'handshake_failure',
  'no_certificate',
  'bad_certificate',
  'unsupported_certificate',
  'certificate_revoked',
  'certificate_expired',
  'certificate_unknown',
  'unknown_ca',
  'access_denied',
  'certificate_required',
]);

const statusesFromBehind: ReadonlySet<number> = new Set([408, 421, 429, 502, 503, 504]);

/** Statuses that a load balancer or the controller answers with when the application does not. */
export function isFromBehind(status: number): boolean {
  return statusesFromBehind.has(status);
}

const refusals: Readonly<Record<Refusal, Reading>> = {
  'no-certificate': 'refused',
  'bad-certificate': 'refused',
  'error-page': 'refused',
  'name-not-allowed': 'refused-by-name',
  closed: 'closed',
  unauthenticated: 'closed',
  unverifiable: 'unverifiable',
  perhaps: 'perhaps',
};

export function readAnswer(answer: ProbeAnswer): Reading {
  if (answer.kind === 'tls-alert') return certificateAlerts.has(answer.alert) ? 'refused' : 'nothing';
  if (answer.kind !== 'http') return 'nothing';
  if (answer.refusal !== undefined) return refusals[answer.refusal];
  return isFromBehind(answer.status) ? 'from-behind' : 'let-in';
}

const unanswered: Readonly<Record<UnansweredKind, string>> = {
  refused: 'Nobody listens there.',
  timeout: 'There was no answer in time.',
  reset: 'The connection was reset.',
  closed: 'The connection was closed without an answer.',
  unresolved: 'The name of the address does not resolve.',
  unreachable: 'The address cannot be reached from here.',
  'tls-failed': 'There was no TLS handshake.',
  malformed: 'The answer was no HTTP.',
};

/** One sentence. */
export function describeAnswer(answer: ProbeAnswer): string {
  if (answer.kind === 'tls-alert') return `The TLS alert ${answer.alert}.`;
  if (answer.kind !== 'http') return unanswered[answer.kind];
  const to = answer.location === undefined ? '' : ` to ${answer.location}`;
  const why = answer.refusal === undefined ? '' : ` (${answer.refusal})`;
  return `HTTP ${answer.status}${to}${why}.`;
}
