import type { UnansweredKind } from './probe-report.ts';

export type Failure =
  | { readonly kind: 'tls-alert'; readonly alert: string }
  | { readonly kind: UnansweredKind };

const kinds: Readonly<Record<string, UnansweredKind>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ENOTFOUND: 'unresolved',
  EAI_AGAIN: 'unresolved',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
};

/** What the error of a connection means. */
export function failureOf(error: unknown): Failure {
  const code = codeOf(error);
  // OpenSSL's names of received alerts: ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED, ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE.
  const alert = /^ERR_SSL_.*_ALERT_([A-Z0-9_]+)$/.exec(code)?.[1];
  if (alert !== undefined) return { kind: 'tls-alert', alert: alert.toLowerCase() };
  return { kind: kinds[code] ?? (/^(ERR_SSL|ERR_TLS|EPROTO)/.test(code) ? 'tls-failed' : 'unreachable') };
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
