/** A configuration that cannot be served. `message` is one line that begins with the key; it never holds a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** The environment variable or the YAML path at fault. */
  readonly key: string;

  constructor(key: string, reason: string) {
    super(`${key}: ${reason}`.replace(/\s+/g, ' '));
    this.key = key;
  }
}
