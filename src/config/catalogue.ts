import type { TSchema } from 'typebox';
import { configSchema } from './schema.ts';
import { type SettingMeta, settingOf } from './setting.ts';

/** One key, with every name it goes by. */
export interface Setting extends SettingMeta {
  /** Where the value sits in `Config`. */
  readonly path: readonly string[];
  /** The same in the YAML file: without the unit, since lengths of time are written with theirs. */
  readonly yamlPath: string;
  readonly schema: TSchema;
}

/** Every key of the configuration, in the order of the schema. */
export const settings: readonly Setting[] = collect(configSchema.properties, []);

/** The YAML names of the groups, such as `crl`. */
export const groupPaths: ReadonlySet<string> = new Set(
  settings.filter((s) => s.path.length > 1).map((s) => s.yamlPath.slice(0, s.yamlPath.lastIndexOf('.'))),
);

/** The key whose value sits at `path` in `Config` (`crl.overlapSeconds`). */
export function settingAt(path: string): Setting | undefined {
  return settings.find((setting) => setting.path.join('.') === path);
}

/** The environment variable that names a file with the value of a secret. */
export function fileVariable(setting: Setting): string {
  return `${setting.env}_FILE`;
}

/** The YAML key that names a file with the value of a secret. */
export function fileYamlPath(setting: Setting): string {
  return `${setting.yamlPath}File`;
}

function collect(properties: Record<string, TSchema>, parents: readonly string[]): Setting[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = [...parents, name];
    const meta = settingOf(schema);
    if (meta !== undefined) return [{ ...meta, path, yamlPath: path.map(yamlName).join('.'), schema }];
    return 'properties' in schema && isProperties(schema.properties) ? collect(schema.properties, path) : [];
  });
}

function isProperties(value: unknown): value is Record<string, TSchema> {
  return typeof value === 'object' && value !== null;
}

function yamlName(property: string): string {
  return property.replace(/(Seconds|Bytes)$/, '');
}
