import { createHmac, timingSafeEqual } from 'node:crypto';

/** Where the ingress controller asks about the clients of one Ingress, with the key that proves that we told it so. */
export type VerifyUrlFor = (namespace: string, name: string) => string;

/** So that what the key signs here can never be taken for what it may sign elsewhere. */
const purpose = 'internal-ca verify ingress\n';

/**
 * @param baseUrl VERIFY_URL, without a closing slash
 * @param key of `service_keys`: the same on every replica
 * @returns text that ingress-nginx takes for an auth-url: neither a `%` nor a `$` in it
 */
export function createVerifyUrlFor(baseUrl: string, key: Buffer): VerifyUrlFor {
  return (namespace, name) =>
    `${baseUrl}/v1/verify?ingress=${namespace}/${name}&key=${macOf(key, `${namespace}/${name}`)}`;
}

/**
 * Whether `given` is the key in the URL of that Ingress; takes as long whatever it is.
 * @param ingress `namespace/name`; no other text has a key that anybody was told
 */
export function ingressKeyMatches(key: Buffer, ingress: string, given: string): boolean {
  // The text, not what it decodes to: Node's decoder reads over what is no base64url.
  const wanted = Buffer.from(macOf(key, ingress));
  const octets = Buffer.from(given);
  return octets.length === wanted.length && timingSafeEqual(octets, wanted);
}

function macOf(key: Buffer, ingress: string): string {
  return createHmac('sha256', key).update(`${purpose}${ingress}`).digest('base64url');
}
