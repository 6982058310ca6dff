import { resolve } from 'node:path';
import { parseDuration } from '../duration.ts';
import type { Setting } from './catalogue.ts';
import { ConfigError } from './config-error.ts';
import type { Written } from './sources.ts';

/**
 * The value that `written` stands for. Text from the environment and values from YAML pass through the same door,
 * so a YAML `port: "8080"` and a variable `PORT=8080` are one thing. What is not text is left to the schema.
 */
export function coerce(setting: Setting, written: Written): unknown {
  const { value } = written;
  if (setting.kind === 'duration') return toSeconds(written);
  if (typeof value !== 'string') return value;
  switch (setting.kind) {
    case 'integer':
      return /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value;
    case 'list':
      return value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case 'path':
      return resolve(value);
    case 'url':
      return toUrl(written.key, value.trim());
    case 'choice':
      return value.trim();
    case 'text':
      return value;
  }
}

function toSeconds({ key, value }: Written): unknown {
  if (typeof value !== 'string') return value;
  const seconds = parseDuration(value.trim());
  if (seconds === undefined) {
    throw new ConfigError(key, 'must be an ISO 8601 duration such as P7D or PT10M, or a number of seconds');
  }
  return seconds;
}

function toUrl(key: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ConfigError(key, 'must be an absolute http or https URL');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new ConfigError(key, 'must be a URL without user, query and fragment');
  }
  return url.href.replace(/\/+$/, '');
}
