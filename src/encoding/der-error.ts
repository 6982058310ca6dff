/** The bytes are not DER (X.690), or not the type that was expected. `offset` counts from the start of the bytes read. */
export class DerError extends Error {
  override readonly name = 'DerError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} (offset ${offset})`);
    this.offset = offset;
  }
}
