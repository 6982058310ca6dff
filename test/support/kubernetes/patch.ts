import { clone, isObject, type JsonObject, sameJson } from './json.ts';
import { badRequest, StatusError } from './status.ts';

/** RFC 7396. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const result = clone(target);
  for (const [key, value] of Object.entries(patch)) {
    const present = result[key];
    if (value === null) delete result[key];
    else if (isObject(value)) result[key] = mergePatch(isObject(present) ? present : {}, value);
    else result[key] = clone(value);
  }
  return result;
}

/** RFC 6902: add, remove, replace, test. A failed test is 422, as the real one answers. */
export function jsonPatch(target: JsonObject, operations: unknown): JsonObject {
  if (!Array.isArray(operations)) throw badRequest('a JSON patch is an array');
  const result = clone(target);
  for (const operation of operations) {
    if (!isObject(operation)) throw badRequest('an operation of a JSON patch is an object');
    applyOperation(result, operation);
  }
  return result;
}

function applyOperation(root: JsonObject, operation: JsonObject): void {
  const path = String(operation.path ?? '');
  const keys = path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop();
  if (last === undefined) throw badRequest('the whole document cannot be patched');
  const parent = keys.reduce<unknown>((here, key) => memberOf(here, key), root);
  if (Array.isArray(parent)) patchArray(parent, last, operation);
  else if (isObject(parent)) patchObject(parent, last, operation);
  else throw unprocessable();
}

function memberOf(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  return isObject(value) ? value[key] : undefined;
}

function patchObject(parent: JsonObject, key: string, operation: JsonObject): void {
  const { op, value } = { op: operation.op, value: operation.value };
  if (op !== 'add' && !Object.hasOwn(parent, key)) throw unprocessable();
  if (op === 'remove') delete parent[key];
  else if (op === 'test') requireSame(parent[key], value);
  else parent[key] = clone(value);
}

function patchArray(parent: unknown[], key: string, operation: JsonObject): void {
  const { op, value } = { op: operation.op, value: operation.value };
  const index = key === '-' ? parent.length : Number(key);
  if (!Number.isInteger(index) || index > parent.length) throw unprocessable();
  if (op === 'add') parent.splice(index, 0, clone(value));
  else if (op === 'remove') parent.splice(index, 1);
  else if (op === 'test') requireSame(parent[index], value);
  else parent[index] = clone(value);
}

function requireSame(present: unknown, wanted: unknown): void {
  if (!sameJson(present, wanted)) throw unprocessable();
}

/** The real one does not say what is wrong. */
function unprocessable(): StatusError {
  return new StatusError(
    422,
    'Invalid',
    'the server rejected our request due to an error in our request',
    {},
  );
}
