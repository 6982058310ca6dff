import { isObject, type JsonObject, stringAt } from '../kubernetes/json.ts';

/** Holds a manifest to the schema of its kind, as the API server publishes it, and finds fields that no schema knows. */

interface ModelClass {
  readonly prototype: { validate(this: object): void };
}

/** The packages that carry the compiled schemas, by the part of `apiVersion` that they serve. */
const customGroups: Readonly<Record<string, string>> = {
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
};

/** How Node says that a package has no such module. */
const absences: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED']);

/**
 * What is wrong with this manifest: a line for each fault, with its path. Undefined when there is no schema for the kind.
 * The published schemas let unknown fields pass, which the API server then drops in silence; so every field has to be one
 * that the schema asks for.
 */
export async function schemaFaults(manifest: JsonObject): Promise<string[] | undefined> {
  const model = await modelOf(stringAt(manifest, 'apiVersion') ?? '', stringAt(manifest, 'kind') ?? '');
  if (model === undefined) return undefined;
  const asked = new Map<object, Set<string>>();
  const faults: string[] = [];
  try {
    model.prototype.validate.call(observed(manifest, asked));
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
  }
  return [...faults, ...unknownFields(manifest, asked, '')];
}

async function modelOf(apiVersion: string, kind: string): Promise<ModelClass | undefined> {
  const [group = ''] = apiVersion.split('/');
  const path = `${customGroups[group] ?? 'kubernetes-models'}/${apiVersion}/${kind}`;
  const module: Record<string, ModelClass> | undefined = await import(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && absences.has(error.code)) return undefined;
    throw error;
  });
  return module?.[kind];
}

/** The same object, which writes down what is asked of it. */
function observed<T extends object>(value: T, asked: Map<object, Set<string>>): T {
  const keys = asked.get(value) ?? new Set();
  asked.set(value, keys);
  return new Proxy(value, {
    get(target, key, receiver) {
      if (typeof key === 'string') keys.add(key);
      const member: unknown = Reflect.get(target, key, receiver);
      return typeof member === 'object' && member !== null ? observed(member, asked) : member;
    },
  });
}

function unknownFields(value: unknown, asked: ReadonlyMap<object, Set<string>>, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => unknownFields(item, asked, `${path}/${i}`));
  if (!isObject(value)) return [];
  const known = asked.get(value);
  // A fault above it kept the schema from looking further, or the schema allows anything here.
  if (known === undefined) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    known.has(key) ? unknownFields(member, asked, `${path}/${key}`) : [`${path}/${key} is not a known field`],
  );
}
