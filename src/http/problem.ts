import { PermissionFault } from '../access/permissions.ts';
import type { Fault, FaultCode, FaultReason } from '../fault.ts';

export const problemMediaType = 'application/problem+json';
export const problemTypePrefix = 'urn:internal-ca:problem:';

/** RFC 9457, with members of our own behind the five of the standard. */
export interface Problem {
  /** `urn:internal-ca:problem:<code>`; stable. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** `urn:internal-ca:request:<request id>` */
  readonly instance: string;
  readonly field?: string;
  readonly reasons?: readonly FaultReason[];
  /** The permission that is missing, on a 403. */
  readonly permission?: string;
}

/** The document for a fault; `titles` come from the catalogue, so a code always has the same one. */
export function problemOf(fault: Fault, title: string, requestId: string): Problem {
  return {
    type: problemType(fault.code),
    title,
    status: fault.status,
    detail: fault.message,
    instance: `urn:internal-ca:request:${requestId}`,
    ...(fault.field === undefined ? {} : { field: fault.field }),
    ...(fault.reasons.length === 0 ? {} : { reasons: fault.reasons }),
    ...(fault instanceof PermissionFault ? { permission: fault.permission } : {}),
  };
}

export function problemType(code: FaultCode): string {
  return `${problemTypePrefix}${code}`;
}

/** Headers that belong to a fault, by RFC 9110 (10.2.3, 11.6.1). A 401 gives no reason. */
export function problemHeaders(fault: Fault): Record<string, string> {
  return {
    'content-type': problemMediaType,
    'cache-control': 'no-store',
    ...(fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) }),
    ...(fault.code === 'unauthenticated' ? { 'www-authenticate': 'Bearer' } : {}),
  };
}
