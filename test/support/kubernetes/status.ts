import type { JsonObject } from './json.ts';

/** An answer that is not 2xx, worded as kube-apiserver words it (checked against v1.35). */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;

  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toJson(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** The group-qualified plural: `secrets`, `ingresses.networking.k8s.io`. */
export interface Named {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

const qualified = (r: Named) => (r.group === '' ? r.plural : `${r.plural}.${r.group}`);

/** `secrets "a" is forbidden`, or without a name. */
const subject = (r: Named, name: string) => (name === '' ? qualified(r) : `${qualified(r)} "${name}"`);

const details = (r: Named, name: string, more: JsonObject = {}): JsonObject => ({
  ...(name === '' ? {} : { name }),
  ...(r.group === '' ? {} : { group: r.group }),
  kind: r.plural,
  ...more,
});

export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', 'Unauthorized');
}

export function forbidden(
  r: Named,
  o: { user: string; verb: string; namespace?: string | undefined; name?: string | undefined },
): StatusError {
  const where = o.namespace === undefined ? 'at the cluster scope' : `in the namespace "${o.namespace}"`;
  return new StatusError(
    403,
    'Forbidden',
    `${subject(r, o.name ?? '')} is forbidden: User "${o.user}" cannot ${o.verb} resource "${r.plural}" in API group "${r.group}" ${where}`,
    details(r, o.name ?? ''),
  );
}

export function attestationForbidden(r: Named, name: string, signer: string): StatusError {
  const message = `${subject(r, name)} is forbidden: user not permitted to attest for signerName "${signer}"`;
  return new StatusError(403, 'Forbidden', message, details(r, name));
}

export function terminating(r: Named, name: string, namespace: string): StatusError {
  const message = `unable to create new content in namespace ${namespace} because it is being terminated`;
  return new StatusError(
    403,
    'Forbidden',
    `${qualified(r)} "${name}" is forbidden: ${message}`,
    details(r, name, {
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    }),
  );
}

export function notFound(r: Named, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualified(r)} "${name}" not found`, details(r, name));
}

export function noSuchPath(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** A path of a group that is not served at all is not even answered in JSON. */
export class PageNotFound extends Error {}

export function alreadyExists(r: Named, name: string): StatusError {
  return new StatusError(409, 'AlreadyExists', `${qualified(r)} "${name}" already exists`, details(r, name));
}

export const objectModified =
  'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(r: Named, name: string, why: string): StatusError {
  return new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(r)} "${name}": ${why}`,
    details(r, name),
  );
}

export interface FieldConflict {
  readonly manager: string;
  readonly apiVersion: string;
  readonly operation: string;
  /** `.metadata.annotations.x` */
  readonly field: string;
}

export function applyConflict(conflicts: readonly FieldConflict[]): StatusError {
  const who = (c: FieldConflict) =>
    c.operation === 'Apply' ? `"${c.manager}"` : `"${c.manager}" using ${c.apiVersion}`;
  const [first, ...others] = conflicts;
  const managers = [...new Set(conflicts.map(who))].sort();
  const groups = managers.map((manager) => {
    const fields = conflicts.filter((c) => who(c) === manager).map(({ field }) => `\n- ${field}`);
    return `conflicts with ${manager}:${fields.join('')}`;
  });
  const message =
    first !== undefined && others.length === 0
      ? `Apply failed with 1 conflict: conflict with ${who(first)}: ${first.field}`
      : `Apply failed with ${conflicts.length} conflicts: ${groups.join('\n')}`;
  return new StatusError(409, 'Conflict', message, {
    causes: conflicts.map((c) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${who(c)}`,
      field: c.field,
    })),
  });
}

const causeReasons: readonly [string, string][] = [
  ['Too long', 'FieldValueTooLong'],
  ['Forbidden', 'FieldValueForbidden'],
  ['Required value', 'FieldValueRequired'],
];

export function invalid(r: Named, name: string, field: string, why: string): StatusError {
  const apiKind = r.group === '' ? r.kind : `${r.kind}.${r.group}`;
  const [, reason = 'FieldValueInvalid'] = causeReasons.find(([start]) => why.startsWith(start)) ?? [];
  return new StatusError(422, 'Invalid', `${apiKind} "${name}" is invalid: ${field}: ${why}`, {
    ...(name === '' ? {} : { name }),
    ...(r.group === '' ? {} : { group: r.group }),
    kind: r.kind,
    causes: [{ reason, message: why, field }],
  });
}

/** A parameter of a patch. */
export function invalidOption(field: string, why: string): StatusError {
  return invalid({ group: 'meta.k8s.io', plural: '', kind: 'PatchOptions' }, '', field, why);
}

/** An update without `metadata.resourceVersion`; unlike other invalid objects it is named by its plural. */
export function versionMissing(r: Named, name: string): StatusError {
  const field = 'metadata.resourceVersion';
  const message = 'Invalid value: 0: must be specified for an update';
  return new StatusError(
    422,
    'Invalid',
    `${subject(r, name)} is invalid: ${field}: ${message}`,
    details(r, name, { causes: [{ reason: 'FieldValueInvalid', message, field }] }),
  );
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** A failure that a test asks for. */
export function wanted(code: number): StatusError {
  return new StatusError(code, reasons[code] ?? 'InternalError', 'the test wants this request to fail');
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}

export function webhookDenied(webhook: string, words: string, code: number): StatusError {
  return new StatusError(code, 'BadRequest', `admission webhook "${webhook}" denied the request: ${words}`);
}
