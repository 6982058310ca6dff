import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { fileVariable, fileYamlPath, groupPaths, type Setting, settings } from './catalogue.ts';
import { ConfigError } from './config-error.ts';
import { nearest } from './nearest.ts';

/** What somebody wrote for a key, and the name under which they wrote it. */
export interface Written {
  readonly key: string;
  readonly value: unknown;
}

/** The configuration file, flattened: `crl.validity` -> `P7D`. Empty without `CONFIG_FILE`. */
export function readConfigFile(env: NodeJS.ProcessEnv): ReadonlyMap<string, unknown> {
  const file = env.CONFIG_FILE;
  if (!file) return new Map();
  const document = parseYaml(readTextFile('CONFIG_FILE', file), file);
  if (document === null || document === undefined) return new Map();
  const flat = new Map<string, unknown>();
  flatten(document, '', flat, file);
  return flat;
}

/** The value of `setting`: environment first, then its file variants, then YAML; `undefined` when nowhere. */
export function lookUp(
  setting: Setting,
  env: NodeJS.ProcessEnv,
  yaml: ReadonlyMap<string, unknown>,
): Written | undefined {
  const direct = nonEmpty(env[setting.env]);
  const fromFile = setting.secret ? nonEmpty(env[fileVariable(setting)]) : undefined;
  if (direct !== undefined && fromFile !== undefined) {
    throw new ConfigError(fileVariable(setting), `is set together with ${setting.env}; keep one of them`);
  }
  if (direct !== undefined) return { key: setting.env, value: direct };
  if (fromFile !== undefined) return secretFile(fileVariable(setting), fromFile);
  return lookUpYaml(setting, yaml);
}

function lookUpYaml(setting: Setting, yaml: ReadonlyMap<string, unknown>): Written | undefined {
  const value = yaml.get(setting.yamlPath) ?? undefined;
  const file = setting.secret ? yaml.get(fileYamlPath(setting)) : undefined;
  if (value !== undefined && file !== undefined) {
    throw new ConfigError(
      fileYamlPath(setting),
      `is set together with ${setting.yamlPath}; keep one of them`,
    );
  }
  if (typeof file === 'string') return secretFile(fileYamlPath(setting), file);
  if (file !== undefined) throw new ConfigError(fileYamlPath(setting), 'must be the path of a file');
  return value === undefined ? undefined : { key: setting.yamlPath, value };
}

/** Refuses a variable that is one slip away from ours: `DATABSE_URL` would otherwise be passed over in silence. */
export function refuseMisspelledVariables(env: NodeJS.ProcessEnv): void {
  const known = [
    'CONFIG_FILE',
    ...settings.flatMap((setting) => (setting.secret ? [setting.env, fileVariable(setting)] : [setting.env])),
  ];
  for (const name of Object.keys(env)) {
    if (name.length < 8 || known.includes(name)) continue;
    const meant = nearest(name, known, 1);
    if (meant !== undefined) throw new ConfigError(name, `is not a known variable; did you mean ${meant}?`);
  }
}

function flatten(value: unknown, prefix: string, into: Map<string, unknown>, file: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(prefix || 'CONFIG_FILE', `must be a mapping of keys in ${file}`);
  }
  for (const [name, child] of Object.entries(value)) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (groupPaths.has(path)) {
      if (child !== null) flatten(child, path, into, file);
    } else if (yamlPaths.has(path)) into.set(path, child);
    else throw unknownKey(path, file);
  }
}

const yamlPaths: ReadonlySet<string> = new Set(
  settings.flatMap((s) => (s.secret ? [s.yamlPath, fileYamlPath(s)] : [s.yamlPath])),
);

function unknownKey(path: string, file: string): ConfigError {
  const meant = nearest(path, [...yamlPaths, ...groupPaths], 3);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return new ConfigError(path, `is not a known key in ${file}${hint}`);
}

function parseYaml(source: string, file: string): unknown {
  try {
    return parse(source, { maxAliasCount: 0, prettyErrors: false });
  } catch {
    // The parser's own message quotes the source, which may hold a secret.
    throw new ConfigError('CONFIG_FILE', `${file} is not valid YAML`);
  }
}

function secretFile(key: string, file: string): Written {
  const value = readTextFile(key, file).replace(/\r?\n$/, '');
  if (value === '') throw new ConfigError(key, `${file} is empty`);
  return { key, value };
}

function readTextFile(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new ConfigError(key, `${file} cannot be read${reason}`);
  }
}

/** An empty variable counts as unset: that is how compose files and charts leave one out. */
function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value;
}
