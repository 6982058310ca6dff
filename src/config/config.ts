import type { Static } from 'typebox';
import type { configSchema } from './schema.ts';

/** The whole configuration, validated. Lengths of time are seconds, sizes bytes, paths absolute. */
export type Config = Static<typeof configSchema>;

export { ConfigError } from './config-error.ts';
export { resolveKubernetesMode } from './kubernetes-mode.ts';
export { loadConfig } from './load.ts';
