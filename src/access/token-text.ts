import { createHash, randomBytes } from 'node:crypto';

/** `ica_<id>_<secret>`: the prefix lets secret scanners find a leaked one. */
const prefix = 'ica_';
const tokenForm = /^ica_([a-z0-9]{1,32})_([A-Za-z0-9_-]{43})$/;

/** A bearer token taken apart. */
export interface TokenText {
  readonly id: string;
  /** base64url of 32 octets, without padding. */
  readonly secret: string;
}

/** A new id of 16 lower-case hex digits and a secret of 256 random bits. */
export function newToken(id: string = randomBytes(8).toString('hex')): TokenText {
  return { id, secret: randomBytes(32).toString('base64url') };
}

export function formatToken(token: TokenText): string {
  return `${prefix}${token.id}_${token.secret}`;
}

/** @returns undefined when `text` does not have the form of a token */
export function parseToken(text: string): TokenText | undefined {
  const match = tokenForm.exec(text);
  const [, id, secret] = match ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** The secret has 256 bits of its own, so one plain SHA-256 is enough: there is nothing to guess. */
export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
