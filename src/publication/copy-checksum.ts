import { createHash } from 'node:crypto';
import type { CrlForm } from '../store/publications.ts';

/** What a copy says of its content, and the content. */
export interface Checked {
  readonly form: CrlForm;
  readonly crlNumber: bigint | undefined;
  readonly caFingerprints: readonly string[];
  readonly caCrt: string;
}

/** Binds a copy's annotations and its content to one another: SHA-256 in hex, of both as JSON has them. */
export function checksumOf({ caCrl = '', ...facts }: Checked & { readonly caCrl?: string }): string {
  const checksum = createChecksum(facts);
  checksum.add(caCrl);
  return checksum.digest();
}

/** `checksumOf` for a `ca.crl` that comes piece by piece. */
export function createChecksum({ form, crlNumber, caFingerprints, caCrt }: Checked): {
  add(crlText: string): void;
  digest(): string;
} {
  const number = form === 'none' ? '' : (crlNumber?.toString() ?? '');
  const hash = createHash('sha256');
  hash.update(`${JSON.stringify([number, caFingerprints.join(','), caCrt]).slice(0, -1)},"`);
  return {
    add: (crlText) => void hash.update(JSON.stringify(crlText).slice(1, -1)),
    digest: () => hash.update('"]').digest('hex'),
  };
}
