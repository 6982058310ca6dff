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
      'generateName',
      'selfLink',
      'deletionTimestamp',
    ].map((key) => ['metadata', key]),
  ].map((path) => JSON.stringify(path)),
);

export function fieldsOf(object: JsonObject): FieldSet {
  const set: FieldSet = new Set();
  collect(object, [], set);
  return set;
}

function collect(value: unknown, path: readonly string[], set: FieldSet): void {
  if (path.length === 2 && path[0] === 'metadata' && path[1] === 'managedFields') return;
  if (isObject(value) && (Object.keys(value).length > 0 || path.length === 0)) {
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
      const next = here[`f:${key}`];
      const child = isObject(next) ? next : {};
      here[`f:${key}`] = child;
      here = child;
    }
  }
  return root;
}

export function fromFieldsV1(fields: unknown): FieldSet {
  const set: FieldSet = new Set();
  const walk = (value: unknown, path: string[]) => {
    const members = isObject(value) ? Object.entries(value).filter(([key]) => key.startsWith('f:')) : [];
    if (members.length === 0 && path.length > 0) set.add(JSON.stringify(path));
    for (const [key, member] of members) walk(member, [...path, key.slice(2)]);
  };
  walk(fields, []);
  return set;
}
