import type { ConfigMap, Secret } from '../kubernetes/client.ts';

/**
 * Whether an object holds exactly what a copy of ours holds, and nothing else. Threat: labels can be set by anybody who
 * may edit the object, and a Secret with a private key that carried ours was deleted with its key. So what is deleted, or
 * taken over from others, is judged by what is in it: labels alone never suffice.
 */

const secretKeys: ReadonlySet<string> = new Set(['ca.crt', 'ca.crl']);

/** Type Opaque, no key but `ca.crt` and `ca.crl`, and no private key in either. */
export function isCopyOnly(secret: Secret): boolean {
  return hasCopyType(secret) && hasCopyData(secret);
}

/** Type Opaque; the API server writes it where none was given. */
export function hasCopyType({ type = 'Opaque' }: Secret): boolean {
  return type === 'Opaque';
}

/** No key but `ca.crt` and `ca.crl`, and no private key in either, whatever the type. */
export function hasCopyData({ data = {} }: Secret): boolean {
  return Object.entries(data).every(
    ([key, value]) =>
      secretKeys.has(key) && !holdsPrivateKey(Buffer.from(value, 'base64').toString('latin1')),
  );
}

/** No key but `ca.crt`, no private key in it, and no binary data. */
export function isConfigMapCopyOnly({ data = {}, binaryData = {} }: ConfigMap): boolean {
  return (
    Object.keys(binaryData).length === 0 &&
    Object.entries(data).every(([key, value]) => key === 'ca.crt' && !holdsPrivateKey(value))
  );
}

/** RFC 7468 section 10 and the older labels, such as `RSA PRIVATE KEY`. */
function holdsPrivateKey(text: string): boolean {
  return text.includes('PRIVATE KEY-----');
}
