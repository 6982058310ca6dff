import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isObject, type JsonObject, objectAt, stringAt, valueAt } from '../kubernetes/json.ts';

/** The Deployment's pod as the kubelet would set it up: its environment, and the files behind its mounts. */

interface Volume {
  /** File name -> content. */
  readonly files: Readonly<Record<string, string>>;
}

/** What stands in for the values of Secrets, by the file they are mounted as, or the key they are read from. */
const secretContents: Readonly<Record<string, string>> = {
  uri: 'postgresql://internal_ca:secret@internal-ca-db-rw.internal-ca:5432/internal_ca',
  url: 'postgresql://internal-ca:secret@database.example/ca',
  token: 'a-token-of-more-than-32-characters-for-the-chart',
};

/**
 * Writes the mounted files below `root`, and returns the container's environment with the paths moved there.
 * @throws Error when a variable names a file that no mount brings
 */
export function podEnvironment(manifests: readonly JsonObject[], root: string): Record<string, string> {
  const spec = objectAt(
    manifests.find(({ kind }) => kind === 'Deployment'),
    'spec',
    'template',
    'spec',
  );
  const container = members(spec, 'containers')[0] ?? {};
  const mounted = mountFiles(manifests, spec, container, root);
  const values: Record<string, string> = {};
  for (const variable of members(container, 'env')) {
    const name = stringAt(variable, 'name') ?? '';
    const key = stringAt(variable, 'valueFrom', 'secretKeyRef', 'key') ?? '';
    const value = stringAt(variable, 'value') ?? secretContents[key] ?? 'secret';
    values[name] = expand(value, values);
  }
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, moved(name, value, mounted, root)]),
  );
}

/** `$(NAME)`, as Kubernetes replaces it. */
function expand(value: string, values: Readonly<Record<string, string>>): string {
  return value.replace(/\$\((\w+)\)/g, (whole, name: string) => values[name] ?? whole);
}

function moved(name: string, value: string, mounted: ReadonlySet<string>, root: string): string {
  if (!/^\/(etc|run)\//.test(value)) return value;
  if (!mounted.has(value)) throw new Error(`${name} names ${value}, and nothing is mounted there`);
  return join(root, value);
}

function mountFiles(
  manifests: readonly JsonObject[],
  spec: JsonObject,
  container: JsonObject,
  root: string,
): Set<string> {
  const volumes = new Map(
    members(spec, 'volumes').map((volume) => [stringAt(volume, 'name'), volumeOf(manifests, volume)]),
  );
  const paths = new Set<string>();
  for (const mount of members(container, 'volumeMounts')) {
    const directory = stringAt(mount, 'mountPath') ?? '';
    const volume = volumes.get(stringAt(mount, 'name'));
    if (volume === undefined) throw new Error(`${directory}: there is no volume ${stringAt(mount, 'name')}`);
    for (const [file, content] of Object.entries(volume.files)) {
      const path = join(root, directory, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      paths.add(join(directory, file));
    }
  }
  return paths;
}

function volumeOf(manifests: readonly JsonObject[], volume: JsonObject): Volume {
  const configMap = stringAt(volume, 'configMap', 'name');
  const found = manifests.find(
    (manifest) => manifest.kind === 'ConfigMap' && stringAt(manifest, 'metadata', 'name') === configMap,
  );
  const data = Object.entries(objectAt(found, 'data')).map(([file, text]) => [file, String(text)]);
  const items = members(objectAt(volume, 'secret'), 'items').map((item) => {
    const path = stringAt(item, 'path') ?? '';
    return [path, secretContents[path] ?? 'secret'];
  });
  return { files: Object.fromEntries([...data, ...items]) };
}

function members(value: unknown, key: string): JsonObject[] {
  const found = valueAt(value, [key]);
  return Array.isArray(found) ? found.filter(isObject) : [];
}
