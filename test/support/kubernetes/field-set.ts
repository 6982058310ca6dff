import { isObject, type JsonObject, valueAt } from './json.ts';

/**
 * Which fields an object has or a manager owns: paths to leaves, each written as a JSON array. Maps are granular
 * (labels, annotations, data), lists are leaves, as `rules` and `tls` of an Ingress are atomic.
 */
export type FieldSet = Set<string>;

/** Fields that the API server itself keeps: nobody owns them. */
const unowned = new Set(
  [
    ['apiVersion'],
    ['kind'],
    ...[
      'name',
      'namespace',
      'uid',
      'resourceVersion',
      'creationTimestamp',
      'generation',
      'selfLink',
      'deletionTimestamp',
    ].map((key) => ['metadata', key]),
  ].map((path) => JSON.stringify(path)),
);

/** Members of the object that have one owner as a whole. */
const atomic = new Set(['involvedObject']);

/** Maps that have an owner besides those of their members: who made them. */
const owned = new Set(
  [['metadata', 'labels'], ['metadata', 'annotations'], ['data']].map((path) => JSON.stringify(path)),
);

/** The leaves: what an apply configuration owns. */
export function fieldsOf(object: JsonObject): FieldSet {
  const set: FieldSet = new Set();
  collect(object, [], set);
  return set;
}

/** The leaves, and the maps themselves, written as a member `.`: what an update can own. */
export function fieldsAndMapsOf(object: JsonObject): FieldSet {
  const set = fieldsOf(object);
  for (const field of owned) {
    const path = pathOfField(field);
    if (isObject(valueAt(object, path))) set.add(JSON.stringify([...path, '.']));
  }
  return set;
}

function collect(value: unknown, path: readonly string[], set: FieldSet): void {
  if (path.length === 2 && path[0] === 'metadata' && path[1] === 'managedFields') return;
  const whole = path.length === 1 && atomic.has(path[0] ?? '');
  if (isObject(value) && !whole && (Object.keys(value).length > 0 || path.length === 0)) {
    for (const [key, member] of Object.entries(value)) collect(member, [...path, key], set);
    return;
  }
  const field = JSON.stringify(path);
  if (!unowned.has(field)) set.add(field);
}

export function pathOfField(field: string): string[] {
  const path: unknown = JSON.parse(field);
  return Array.isArray(path) ? path.map(String) : [];
}

export function valueOfField(object: JsonObject, field: string): unknown {
  return valueAt(object, pathOfField(field));
}

/** `.metadata.annotations.nginx.ingress.kubernetes.io/x`: as conflicts are worded. */
export function fieldText(field: string): string {
  return pathOfField(field)
    .map((key) => `.${key}`)
    .join('');
}

/** The wire form, `fieldsV1`. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const root: JsonObject = {};
  for (const field of set) {
    let here = root;
    for (const key of pathOfField(field)) {
      const member = key === '.' ? key : `f:${key}`;
      const next = here[member];
      const child = isObject(next) ? next : {};
      here[member] = child;
      here = child;
    }
  }
  return withoutLoneDots(root);
}

/** Who owns a map and none of its members has it as if it were a leaf. */
function withoutLoneDots(node: JsonObject): JsonObject {
  const members = Object.entries(node);
  if (members.length === 1 && members[0]?.[0] === '.') return {};
  return Object.fromEntries(
    members.map(([key, member]) => [key, isObject(member) ? withoutLoneDots(member) : member]),
  );
}

export function fromFieldsV1(fields: unknown): FieldSet {
  const set: FieldSet = new Set();
  const walk = (value: unknown, path: string[]) => {
    const members = isObject(value) ? Object.entries(value) : [];
    if (members.length === 0 && path.length > 0) {
      set.add(JSON.stringify(owned.has(JSON.stringify(path)) ? [...path, '.'] : path));
    }
    for (const [key, member] of members) walk(member, [...path, key.replace(/^f:/, '')]);
  };
  walk(fields, []);
  return set;
}
