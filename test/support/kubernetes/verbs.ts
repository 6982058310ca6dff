import { randomBytes } from 'node:crypto';
import type { Identity } from './access.ts';
import { deleteStored, finishDeletion } from './deletion.ts';
import { clone, isObject, type JsonObject, objectAt, sameJson, setAt, stringAt } from './json.ts';
import { applyConfiguration, recordUpdate } from './ownership.ts';
import { jsonPatch, mergePatch } from './patch.ts';
import { type ApiCall, objectBody } from './request.ts';
import {
  apiVersionOf,
  countGeneration,
  type ResourceType,
  resourceTypes,
  validateObject,
} from './resources.ts';
import {
  alreadyExists,
  attestationForbidden,
  badRequest,
  conflict,
  invalid,
  invalidOption,
  notFound,
  objectModified,
  StatusError,
  terminating,
  versionMissing,
} from './status.ts';
import type { Storage } from './storage.ts';

export interface Answer {
  readonly status: number;
  readonly body: JsonObject;
}

/** Refuses a write: returns the error, or undefined to let it pass. */
export type Admission = (call: ApiCall, object: JsonObject) => StatusError | undefined;

export interface VerbContext {
  readonly storage: Storage;
  /** Who asks. */
  readonly identity: Identity;
  readonly admit: Admission;
  /** RFC 3339. */
  now(): string;
}

export function get(context: VerbContext, call: ApiCall): Answer {
  return { status: 200, body: existing(context, call) };
}

export function create(context: VerbContext, call: ApiCall): Answer {
  const object = clone(objectBody(call));
  requireKind(call, object);
  requireNamespaceOfPath(call, object);
  if (stringAt(object, 'metadata', 'resourceVersion') !== undefined) {
    throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created');
  }
  const generateName = stringAt(object, 'metadata', 'generateName');
  if (generateName !== undefined && stringAt(object, 'metadata', 'name') === undefined) {
    setAt(object, ['metadata', 'name'], generateName + randomBytes(3).toString('hex').slice(0, 5));
  }
  setAt(object, ['metadata', 'creationTimestamp'], context.now());
  return { status: 201, body: write(context, call, undefined, object) };
}

export function update(context: VerbContext, call: ApiCall): Answer {
  const { type, name = '' } = call;
  const object = clone(objectBody(call));
  requireKind(call, object);
  requireNameOfPath(call, object);
  const live = context.storage.get(type, call.namespace, name);
  const version = stringAt(object, 'metadata', 'resourceVersion') ?? '';
  if (live === undefined && type.createsOnUpdate !== true) throw notFound(type, name);
  requireUid(call, live, stringAt(object, 'metadata', 'uid'));
  if (live === undefined) {
    context.identity.authorize({ ...call, verb: 'create' });
    setAt(object, ['metadata', 'creationTimestamp'], context.now());
    return { status: 201, body: write(context, call, undefined, object) };
  }
  if (type.needsVersion === true && version === '') throw versionMissing(type, name);
  requireVersion(call, live, version);
  return { status: 200, body: write(context, call, live, object) };
}

function requireUid(call: ApiCall, live: JsonObject | undefined, uid: string | undefined): void {
  const present = stringAt(live, 'metadata', 'uid') ?? '';
  if (uid === undefined || uid === present) return;
  const why = `StorageError: invalid object, Code: 4, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${present}`;
  throw conflict(call.type, call.name ?? '', why);
}

export function patch(context: VerbContext, call: ApiCall): Answer {
  if (call.contentType === 'application/apply-patch+yaml') return apply(context, call);
  if (call.query.has('force')) {
    throw invalidOption('force', 'Forbidden: may not be specified for non-apply patch');
  }
  const live = existing(context, call);
  const patched = patchedObject(call, live);
  requireNameOfPath(call, patched);
  const uid = stringAt(patched, 'metadata', 'uid') ?? '';
  if (uid !== stringAt(live, 'metadata', 'uid')) throw immutableUid(call, uid);
  requireVersion(call, live, stringAt(patched, 'metadata', 'resourceVersion'));
  return { status: 200, body: write(context, call, live, patched) };
}

function patchedObject(call: ApiCall, live: JsonObject): JsonObject {
  if (call.contentType === 'application/json-patch+json') return jsonPatch(live, call.body);
  if (call.contentType.endsWith('merge-patch+json')) return mergePatch(live, objectBody(call));
  throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
}

function apply(context: VerbContext, call: ApiCall): Answer {
  const configuration = objectBody(call);
  if (!call.query.get('fieldManager')) {
    throw invalidOption('fieldManager', 'Required value: is required for apply patch');
  }
  const { apiVersion, kind } = configuration;
  if (apiVersion !== call.apiVersion || kind !== call.type.kind) {
    const version = String(apiVersion);
    throw badRequest(
      `invalid object type: ${version.includes('/') ? version : `/${version}`}, Kind=${String(kind)}`,
    );
  }
  requireNameOfPath(call, configuration);
  const name = call.name ?? '';
  const live = context.storage.get(call.type, call.namespace, name);
  const uid = stringAt(configuration, 'metadata', 'uid');
  const version = stringAt(configuration, 'metadata', 'resourceVersion');
  if (Object.hasOwn(objectAt(configuration, 'metadata'), 'managedFields')) {
    throw badRequest('metadata.managedFields must be nil');
  }
  if (live === undefined) context.identity.authorize({ ...call, verb: 'create' });
  const writer = { manager: call.fieldManager, apiVersion: apiVersionOf(call.type), time: context.now() };
  const base = live ?? { metadata: { name, namespace: call.namespace, creationTimestamp: context.now() } };
  const merged = applyConfiguration(base, configuration, writer, call.query.get('force') === 'true');
  requireIdentity(call, live, uid, version);
  return { status: live === undefined ? 201 : 200, body: write(context, call, live, merged, false) };
}

/** The real one finds conflicts of fields first, and only then that it is another object or another version. */
function requireIdentity(
  call: ApiCall,
  live: JsonObject | undefined,
  uid: string | undefined,
  version: string | undefined,
): void {
  const name = call.name ?? '';
  const present = stringAt(live, 'metadata', 'uid');
  if (uid !== undefined && present === undefined) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(call.type, name, why);
  }
  if (uid !== undefined && uid !== present) {
    throw immutableUid(call, uid);
  }
  if (version !== undefined && version !== stringAt(live, 'metadata', 'resourceVersion')) {
    throw conflict(call.type, name, objectModified);
  }
}

function immutableUid(call: ApiCall, uid: string): StatusError {
  const why = `Invalid value: "${uid}": field is immutable`;
  return invalid(call.type, call.name ?? '', 'metadata.uid', why);
}

export function remove(context: VerbContext, call: ApiCall): Answer {
  const live = existing(context, call);
  const name = call.name ?? '';
  const uid = stringAt(live, 'metadata', 'uid') ?? '';
  const wanted = objectAt(call.body, 'preconditions');
  const version = stringAt(live, 'metadata', 'resourceVersion') ?? '';
  requirePrecondition(call, 'UID', wanted.uid, uid);
  requirePrecondition(call, 'ResourceVersion', wanted.resourceVersion, version);
  const namespace = call.type.plural === 'namespaces';
  const gone = call.dryRun || deleteStored(context.storage, call.type, live, context.now());
  if (!gone) return { status: 200, body: existing(context, call) };
  // The real one's goes a moment later.
  if (namespace) {
    setAt(live, ['metadata', 'deletionTimestamp'], context.now());
    setAt(live, ['status', 'phase'], 'Terminating');
    return { status: 200, body: live };
  }
  return {
    status: 200,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: {
        name,
        kind: call.type.plural,
        uid,
        ...(call.type.group === '' ? {} : { group: call.type.group }),
      },
    },
  };
}

function requirePrecondition(call: ApiCall, what: string, wanted: unknown, present: string): void {
  if (typeof wanted !== 'string' || wanted === present) return;
  throw new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${call.type.kind} "${call.name}": the ${what} in the precondition (${wanted}) does not match the ${what} in record (${present}). The object might have been ${what === 'UID' ? 'deleted and then recreated' : 'modified'}`,
    { name: call.name, kind: call.type.kind },
  );
}

function existing(context: VerbContext, call: ApiCall): JsonObject {
  const object = context.storage.get(call.type, call.namespace, call.name ?? '');
  if (object === undefined) throw notFound(call.type, call.name ?? '');
  return object;
}

function requireVersion(call: ApiCall, live: JsonObject, version: string | undefined): void {
  if (version === undefined || version === '' || version === stringAt(live, 'metadata', 'resourceVersion'))
    return;
  throw conflict(call.type, call.name ?? '', objectModified);
}

/** The end of every write: identity, defaults, validation, namespace, admission, ownership, storage. */
function write(
  context: VerbContext,
  call: ApiCall,
  live: JsonObject | undefined,
  wanted: JsonObject,
  trackOwner = true,
): JsonObject {
  const { type } = call;
  const object = wanted;
  object.apiVersion = apiVersionOf(type);
  object.kind = type.kind;
  if (type.namespaced) setAt(object, ['metadata', 'namespace'], call.namespace);
  dropEmptyMetadata(object);
  for (const key of ['uid', 'resourceVersion', 'creationTimestamp', 'deletionTimestamp']) {
    const present = stringAt(live, 'metadata', key);
    if (present !== undefined) setAt(object, ['metadata', key], present);
  }
  if (trackOwner) {
    type.applyDefaults?.(object);
    recordUpdate(live, object, {
      manager: call.fieldManager,
      apiVersion: apiVersionOf(type),
      time: context.now(),
    });
  }
  type.applyDefaults?.(object);
  type.complete?.(object);
  countGeneration(type, object, live);
  const name = stringAt(object, 'metadata', 'name') ?? '';
  if (live === undefined) requireNamespace(context.storage, call, name);
  validateObject(type, object, live);
  if (live === undefined && context.storage.get(type, call.namespace, name) !== undefined) {
    throw alreadyExists(type, name);
  }
  requireAttestation(context.identity, type, live, object);
  const refusal = context.admit(call, object);
  if (refusal !== undefined) throw refusal;
  // Nothing changed: the real one does not write, and the version stays.
  if (live !== undefined && sameJson(live, object)) return live;
  if (call.dryRun) return object;
  const stored = context.storage.put(type, object, context.now());
  finishDeletion(context.storage, type, stored);
  return stored;
}

/** A bundle of a signer needs the right to attest for that signer; an unchanged one does not. */
function requireAttestation(
  identity: Identity,
  type: ResourceType,
  live: JsonObject | undefined,
  object: JsonObject,
): void {
  const signer = stringAt(object, 'spec', 'signerName') ?? '';
  if (type.plural !== 'clustertrustbundles' || signer === '' || sameJson(live?.spec, object.spec)) return;
  const signers = { group: type.group, plural: 'signers', kind: 'Signer' };
  const names = [signer, `${signer.split('/')[0]}/*`];
  if (names.some((name) => identity.allows({ verb: 'attest', type: signers, name }))) return;
  throw attestationForbidden(type, stringAt(object, 'metadata', 'name') ?? '', signer);
}

function requireKind({ type, apiVersion }: ApiCall, object: JsonObject): void {
  if (object.kind === type.kind && object.apiVersion === apiVersion) return;
  throw badRequest(
    `${String(object.kind)} in version "${String(object.apiVersion)}" cannot be handled as a ${type.kind}`,
  );
}

function requireNameOfPath(call: ApiCall, object: JsonObject): void {
  const name = stringAt(object, 'metadata', 'name') ?? '';
  if (name !== call.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${call.name})`);
  }
  requireNamespaceOfPath(call, object);
}

function requireNamespaceOfPath(call: ApiCall, object: JsonObject): void {
  const namespace = stringAt(object, 'metadata', 'namespace');
  if (namespace === undefined || !call.type.namespaced || namespace === call.namespace) return;
  throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

function dropEmptyMetadata(object: JsonObject): void {
  for (const key of ['labels', 'annotations']) {
    const metadata = object.metadata;
    const map = objectAt(metadata)[key];
    if (isObject(metadata) && isObject(map) && Object.keys(map).length === 0) delete metadata[key];
  }
}

function requireNamespace(storage: Storage, call: ApiCall, name: string): void {
  if (!call.type.namespaced) return;
  const namespaces = resourceTypes.find((type) => type.plural === 'namespaces');
  const namespace = call.namespace ?? '';
  const found = namespaces && storage.get(namespaces, undefined, namespace);
  if (namespaces === undefined || found === undefined) {
    throw new StatusError(404, 'NotFound', `namespaces "${namespace}" not found`, {
      name: namespace,
      kind: 'namespaces',
    });
  }
  if (stringAt(found, 'status', 'phase') === 'Terminating') throw terminating(call.type, name, namespace);
}
