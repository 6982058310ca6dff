import { Fault, type FaultReason } from '../fault.ts';
import { membersOf } from '../members-of.ts';
import type { ApiResponse } from './transport.ts';

/** What was asked of the API server, in RBAC's words. */
export interface Operation {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** The part of `meta/v1.Status` that says what went wrong. */
interface Status {
  readonly message: string;
  readonly reason: string;
  readonly kind: string;
  readonly causes: readonly { readonly reason: string; readonly message: string; readonly field: string }[];
}

/** What the API server answered: the cause of the Fault. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';
  readonly status: number;
  /** Of the `Retry-After` header. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, retryAfterSeconds: number | undefined) {
    super(`HTTP ${status}: ${message}`);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The answer behind a Fault of the client; undefined where there was none. */
export function refusalBehind(error: unknown): ApiRefusal | undefined {
  return error instanceof Fault && error.cause instanceof ApiRefusal ? error.cause : undefined;
}

/** Turns an answer that is not 2xx into a Fault; see `KubernetesApi` for which. */
export function faultOf(operation: Operation, response: ApiResponse): Fault {
  const status = readStatus(response.body);
  const what = describe(operation);
  const cause = { cause: new ApiRefusal(response.status, status.message, response.retryAfterSeconds) };
  if (isAdmissionDenial(status.message)) {
    const reasons = [{ code: 'admission-denied', detail: status.message }];
    return new Fault('conflict', `Admission refused ${what}: ${status.message}`, { ...cause, reasons });
  }
  switch (response.status) {
    case 401:
      return new Fault(
        'kubernetes-forbidden',
        `The Kubernetes API does not accept our credentials (${what})`,
        cause,
      );
    case 403:
      return forbidden(what, status, cause);
    case 404:
      return notFound(operation, status, cause);
    case 409:
      return new Fault('conflict', `Conflict on ${what}: ${status.message}`, {
        ...cause,
        reasons: conflictReasons(status),
      });
    case 422:
      return invalid(what, status, cause);
    default:
      return otherFault(what, status, response, cause);
  }
}

/** What a namespace that is being deleted does not take is no matter of permissions, and will pass. */
function forbidden(what: string, status: Status, cause: { cause: Error }): Fault {
  if (status.causes.some(({ reason }) => reason === 'NamespaceTerminating')) {
    const reasons = [{ code: 'namespace-terminating', detail: status.message }];
    return new Fault('conflict', `Conflict on ${what}: ${status.message}`, { ...cause, reasons });
  }
  return new Fault('kubernetes-forbidden', `Not allowed: ${what}: ${status.message}`, cause);
}

function otherFault(what: string, status: Status, response: ApiResponse, cause: { cause: Error }): Fault {
  // 410 is the answer to a list or a watch whose version is no longer known: a new one may go well.
  if (response.status === 410 || response.status === 429 || response.status >= 500) {
    const { retryAfterSeconds } = response;
    return new Fault('kubernetes-unavailable', `The Kubernetes API could not ${what}: ${status.message}`, {
      ...cause,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }
  return new Fault('request-invalid', `The Kubernetes API refused ${what}: ${status.message}`, cause);
}

/** An apply with the uid of an object that was replaced by another one of its name is answered as a bad field. */
function invalid(what: string, status: Status, cause: { cause: Error }): Fault {
  if (status.causes.some(({ field }) => field === 'metadata.uid')) {
    const reasons = [{ code: 'uid-mismatch', detail: status.message }];
    return new Fault('conflict', `Conflict on ${what}: it is another object by now: ${status.message}`, {
      ...cause,
      reasons,
    });
  }
  return new Fault('request-invalid', `The Kubernetes API refused ${what}: ${status.message}`, cause);
}

function notFound(operation: Operation, status: Status, cause: { cause: Error }): Fault {
  if (status.kind === 'namespaces' && operation.namespace !== undefined) {
    return new Fault('namespace-not-found', `There is no namespace ${operation.namespace}`, cause);
  }
  return new Fault('conflict', `Not there: ${describe(operation)}`, cause);
}

/** "patch secrets/internal-ca in namespace shop". */
function describe(o: Operation): string {
  const object = o.name === undefined ? o.resource : `${o.resource}/${o.name}`;
  return `${o.verb} ${object}${o.namespace === undefined ? '' : ` in namespace ${o.namespace}`}`;
}

/** Webhooks may answer any code; the API server's sentence around their words is what is stable. */
function isAdmissionDenial(message: string): boolean {
  return (
    hasInOrder(message, 'admission webhook "', '" denied the request') ||
    hasInOrder(message, "ValidatingAdmissionPolicy '", "' ", 'denied request')
  );
}

/** One pass: in between stands what a tenant may have written. */
function hasInOrder(message: string, ...parts: readonly string[]): boolean {
  let at = 0;
  return parts.every((part) => {
    const found = message.indexOf(part, at);
    at = found + part.length;
    return found !== -1;
  });
}

function conflictReasons(status: Status): FaultReason[] {
  const fields = status.causes.filter((cause) => cause.reason === 'FieldManagerConflict');
  if (fields.length > 0) {
    return fields.map(({ field, message }) => ({
      code: 'field-manager-conflict',
      detail: `${field}: ${message}`,
    }));
  }
  if (status.reason === 'AlreadyExists') return [{ code: 'already-exists', detail: status.message }];
  // "uid mismatch" of an apply, "the UID in the precondition" of a delete, "UID in precondition" of an update.
  const code = /uid mismatch|UID in (the )?precondition/.test(status.message)
    ? 'uid-mismatch'
    : 'object-modified';
  return [{ code, detail: status.message }];
}

function readStatus(body: unknown): Status {
  const status = membersOf(body);
  const details = membersOf(status.details);
  const causes = Array.isArray(details.causes) ? details.causes.map(membersOf) : [];
  return {
    message: text(status.message) || (typeof body === 'string' ? body.slice(0, 500) : 'no reason given'),
    reason: text(status.reason),
    kind: text(details.kind),
    causes: causes.map((cause) => ({
      reason: text(cause.reason),
      message: text(cause.message),
      field: text(cause.field),
    })),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
