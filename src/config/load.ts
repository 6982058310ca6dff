import { Value } from 'typebox/value';
import { type Setting, settingAt, settings } from './catalogue.ts';
import { coerce } from './coerce.ts';
import type { Config } from './config.ts';
import { ConfigError } from './config-error.ts';
import { refuseContradictions } from './contradictions.ts';
import { completeCrl } from './crl-defaults.ts';
import { configSchema } from './schema.ts';
import { lookUp, readConfigFile, refuseMisspelledVariables } from './sources.ts';

/**
 * Reads the configuration from `env` and from the YAML file that `CONFIG_FILE` names; the environment wins.
 * Throws `ConfigError` with one line that names the key for an unknown key, a value out of range, and a contradiction.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  refuseMisspelledVariables(env);
  const yaml = readConfigFile(env);
  const names = new Map<string, string>();
  const raw: Tree = {};
  for (const setting of settings) {
    const written = lookUp(setting, env, yaml);
    if (written !== undefined) names.set(setting.path.join('.'), written.key);
    put(raw, setting.path, written === undefined ? defaultOf(setting) : coerce(setting, written));
  }
  completeCrl(raw.crl);
  if (!Value.Check(configSchema, raw)) throw schemaError(raw, names);
  refuseContradictions(raw, env, (path) => names.get(path) ?? settingAt(path)?.env ?? path);
  return raw;
}

type Tree = { [name: string]: unknown };

function put(tree: Tree, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) {
    if (value !== undefined) tree[name] = value;
    return;
  }
  const branch = tree[name];
  const child: Tree = isTree(branch) ? branch : {};
  tree[name] = child;
  put(child, rest, value);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function defaultOf(setting: Setting): unknown {
  if (!('default' in setting.schema)) return undefined;
  const value = structuredClone(setting.schema.default);
  return setting.kind === 'path' ? coerce(setting, { key: setting.env, value }) : value;
}

function schemaError(raw: Tree, names: ReadonlyMap<string, string>): ConfigError {
  for (const error of Value.Errors(configSchema, raw)) {
    const steps = error.instancePath.split('/').slice(1);
    const setting = settings.find((candidate) => candidate.path.every((name, i) => steps[i] === name));
    if (setting === undefined) continue;
    return new ConfigError(
      names.get(setting.path.join('.')) ?? setting.env,
      describe(setting, error, raw, steps),
    );
  }
  return new ConfigError('CONFIG_FILE', 'is not a valid configuration');
}

function describe(
  setting: Setting,
  error: { keyword: string; message: string; params: object },
  raw: Tree,
  steps: readonly string[],
): string {
  const wanted =
    'allowedValues' in error.params && Array.isArray(error.params.allowedValues)
      ? `must be one of ${error.params.allowedValues.join(', ')}`
      : error.message.replace('be integer', 'be an integer');
  if (setting.secret) return wanted;
  const value = steps.reduce<unknown>(
    (at, step) => (isTree(at) || Array.isArray(at) ? Reflect.get(at, step) : at),
    raw,
  );
  const shown = JSON.stringify(value) ?? 'nothing';
  return `${wanted}, not ${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown}`;
}
