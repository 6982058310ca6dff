import { membersOf } from './members-of.ts';

/**
 * The one error type of the service. Every part throws a `Fault`; `http/` turns it into an RFC 9457
 * problem document once, at the edge. `code` is the last segment of the problem's `type` and never changes.
 */

/** HTTP status and title per fault code. The code is a promise to clients: add, never rename. */
export const faultCatalogue = {
  // The CSR (RFC 2986) and what it asks for
  'csr-malformed': { status: 400, title: 'The CSR is not a well-formed PKCS #10 request' },
  'csr-too-large': { status: 413, title: 'The CSR is larger than 32 KiB' },
  'csr-signature-invalid': { status: 400, title: 'The CSR is not signed by the key it carries' },
  'csr-signature-unsupported': {
    status: 400,
    title: 'The CSR is signed with an algorithm that is not accepted',
  },
  'key-type-unsupported': { status: 400, title: 'The key type is not accepted' },
  'key-weak': { status: 400, title: 'The key is weak' },
  'key-malformed': { status: 400, title: 'The public key is not well formed' },
  'key-blocked': { status: 400, title: 'The key was reported as compromised' },
  'subject-not-allowed': { status: 400, title: 'The profile does not allow this subject' },
  'subject-missing': {
    status: 400,
    title: 'The request names nobody: neither a subject nor a subject alternative name',
  },
  'san-not-allowed': { status: 400, title: 'The profile does not allow this subject alternative name' },
  'san-malformed': { status: 400, title: 'A subject alternative name is malformed' },
  'extension-not-allowed': { status: 400, title: 'The profile does not allow this extension' },
  'key-usage-not-allowed': { status: 400, title: 'The profile does not allow this key usage' },
  'validity-not-allowed': { status: 400, title: 'The profile does not allow this validity' },
  'profile-unknown': { status: 400, title: 'There is no such profile' },
  // The request itself
  'request-invalid': { status: 400, title: 'The request is invalid' },
  'body-too-large': { status: 413, title: 'The request body is too large' },
  'media-type-unsupported': { status: 415, title: 'The media type is not supported' },
  'not-acceptable': { status: 406, title: 'None of the accepted media types can be produced' },
  'precondition-failed': { status: 412, title: 'The file is not the one that the condition names' },
  'range-not-satisfiable': { status: 416, title: 'The file has no such octets' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used with another request' },
  // What is imported
  'crl-malformed': { status: 400, title: 'The CRL is not well formed' },
  'crl-refused': { status: 422, title: 'The CRL cannot be taken for one of this authority' },
  // Who is calling
  unauthenticated: { status: 401, title: 'Authentication is required' },
  forbidden: { status: 403, title: 'The permission is missing' },
  'proof-invalid': { status: 403, title: "The request is not signed by the certificate's key" },
  'too-many-requests': { status: 429, title: 'There are too many such requests just now' },
  // Whose certificate a proxy asks about
  'client-certificate-missing': { status: 401, title: 'A client certificate is required' },
  'client-certificate-unreadable': { status: 401, title: 'What was forwarded is no client certificate' },
  'client-certificate-refused': { status: 403, title: 'The client certificate is refused' },
  'verify-caller-unknown': { status: 403, title: 'This caller may not ask about clients' },
  // What is addressed
  'route-not-found': { status: 404, title: 'There is no such route' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'certificate-not-found': { status: 404, title: 'There is no certificate with this serial' },
  'authority-not-found': { status: 404, title: 'There is no such authority' },
  'crl-not-offered': { status: 404, title: 'This form of the CRL is not offered' },
  'namespace-not-found': { status: 404, title: 'There is no such namespace' },
  'ingress-not-found': { status: 404, title: 'There is no such Ingress' },
  'client-verification-not-found': {
    status: 404,
    title: 'Client verification is not enforced on this Ingress',
  },
  'token-not-found': { status: 404, title: 'There is no such token' },
  // State
  'revocation-conflict': { status: 409, title: 'The certificate is already revoked with another reason' },
  'not-on-hold': { status: 409, title: 'The certificate is not on hold' },
  'count-unexpected': { status: 409, title: 'The number of certificates is not the expected one' },
  conflict: { status: 409, title: 'The request conflicts with the present state' },
  'ingress-unsafe': { status: 422, title: 'Client verification cannot be made safe on this Ingress' },
  'publication-refused': { status: 409, title: 'The Secret belongs to somebody else' },
  // Not there by configuration: trying again does not help
  'kubernetes-off': { status: 501, title: 'The service runs without Kubernetes' },
  'ocsp-off': { status: 501, title: 'OCSP is switched off' },
  // Outages
  'database-unavailable': { status: 503, title: 'The database is not reachable' },
  'kubernetes-unavailable': { status: 503, title: 'The Kubernetes API is not reachable' },
  'kubernetes-forbidden': { status: 503, title: 'The service lacks a Kubernetes permission' },
  'key-unavailable': { status: 503, title: "The authority's key is not usable" },
  'verification-stale': { status: 503, title: 'What is revoked is not known for certain at present' },
  draining: { status: 503, title: 'The service is shutting down' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  internal: { status: 500, title: 'An unexpected fault' },
} as const satisfies Record<string, { status: number; title: string }>;

export type FaultCode = keyof typeof faultCatalogue;

export function isFaultCode(code: string): code is FaultCode {
  return Object.hasOwn(faultCatalogue, code);
}

/** One of several reasons, e.g. why an Ingress cannot be made safe. `code` is stable, kebab-case. */
export interface FaultReason {
  readonly code: string;
  readonly detail: string;
}

/** The reasons in a JSON column; what is none is left out. */
export function faultReasonsIn(value: unknown): FaultReason[] {
  return Array.isArray(value) ? value.filter(isFaultReason) : [];
}

function isFaultReason(value: unknown): value is FaultReason {
  const { code, detail } = membersOf(value);
  return typeof code === 'string' && typeof detail === 'string';
}

export interface FaultOptions {
  /** The offending member of the request, as a JSON path or a field of the CSR ("csr.subject.O"). */
  readonly field?: string;
  readonly reasons?: readonly FaultReason[];
  /** Seconds for Retry-After; every 503 has one (default 5). */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** A refusal or an outage, with a stable code. `message` is safe to show to the caller: it never holds a secret. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly field: string | undefined;
  readonly reasons: readonly FaultReason[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: FaultCode, detail: string, options: FaultOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.field = options.field;
    this.reasons = options.reasons ?? [];
    this.retryAfterSeconds =
      options.retryAfterSeconds ?? (faultCatalogue[code].status === 503 ? 5 : undefined);
  }

  get status(): number {
    return faultCatalogue[this.code].status;
  }
}
