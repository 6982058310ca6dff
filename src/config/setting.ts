import Type, { type TSchema } from 'typebox';
import { Value } from 'typebox/value';

/**
 * One key of the configuration: a TypeBox type that carries, under `setting`, how the value is written.
 * The type alone decides what is valid; `kind` says how text becomes a value.
 */

const SettingMeta = Type.Object({
  env: Type.String(),
  kind: Type.Enum(['text', 'integer', 'duration', 'list', 'choice', 'path', 'url']),
  description: Type.String(),
  secret: Type.Boolean(),
  /** The default in words, where it depends on other keys. */
  defaultText: Type.Optional(Type.String()),
});
export type SettingMeta = Type.Static<typeof SettingMeta>;
export type SettingKind = SettingMeta['kind'];

/** The `setting` that a builder below attached to `schema`; `undefined` for a group of keys. */
export function settingOf(schema: TSchema): SettingMeta | undefined {
  if (!('setting' in schema)) return undefined;
  return Value.Check(SettingMeta, schema.setting) ? schema.setting : undefined;
}

interface Words {
  readonly secret?: boolean;
  readonly defaultText?: string;
}

function setting(kind: SettingKind, env: string, description: string, words: Words = {}): SettingMeta {
  return { env, kind, description, secret: false, ...words };
}

interface TextOptions extends Words {
  readonly default?: string;
  readonly pattern?: string;
  readonly minLength?: number;
}

/** Free text. `secret` adds the `*_FILE` variant and keeps the value out of every message. */
export function text(env: string, description: string, { secret, defaultText, ...rules }: TextOptions = {}) {
  const words = {
    ...(secret === undefined ? {} : { secret }),
    ...(defaultText === undefined ? {} : { defaultText }),
  };
  return Type.String({ minLength: 1, ...rules, setting: setting('text', env, description, words) });
}

/** A file or directory; relative paths count from the working directory. */
export function path(
  env: string,
  description: string,
  rules: { default?: string; defaultText?: string } = {},
) {
  const { defaultText, ...options } = rules;
  const words = defaultText === undefined ? {} : { defaultText };
  return Type.String({ minLength: 1, ...options, setting: setting('path', env, description, words) });
}

/** An absolute http or https URL; a closing slash is taken away. */
export function url(env: string, description: string) {
  return Type.String({ setting: setting('url', env, description) });
}

/** A whole number. */
export function integer(
  env: string,
  description: string,
  rules: { default?: number; minimum: number; maximum: number; defaultText?: string },
) {
  const { defaultText, ...options } = rules;
  const words = defaultText === undefined ? {} : { defaultText };
  return Type.Integer({ ...options, setting: setting('integer', env, description, words) });
}

/** A length of time in seconds, written as an ISO 8601 duration or as seconds. */
export function duration(
  env: string,
  description: string,
  rules: { default?: number; minimum: number; maximum: number; defaultText?: string },
) {
  const { defaultText, ...options } = rules;
  const words = defaultText === undefined ? {} : { defaultText };
  return Type.Number({ ...options, setting: setting('duration', env, description, words) });
}

/** A list: a YAML sequence, or comma-separated in the environment. `secret` as with `text`. */
export function list(
  env: string,
  description: string,
  rules: { default: readonly string[]; pattern?: string; secret?: boolean },
) {
  const item = Type.String({
    minLength: 1,
    ...(rules.pattern === undefined ? {} : { pattern: rules.pattern }),
  });
  return Type.Array(item, {
    uniqueItems: true,
    default: [...rules.default],
    setting: setting('list', env, description, rules.secret === undefined ? {} : { secret: rules.secret }),
  });
}

/** One of a few words. */
export function choice<const Values extends string[]>(
  env: string,
  description: string,
  values: readonly [...Values],
  fallback: Values[number],
) {
  return Type.Enum(values, { default: fallback, setting: setting('choice', env, description) });
}
