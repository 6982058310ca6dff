import { encodePem } from '../encoding/pem.ts';
import type { Authority } from './authority.ts';

const chains = new WeakMap<Authority, string>();

/** The authority's own certificate and those above it, as concatenated PEM; encoded once per authority. */
export function chainPem(authority: Authority): string {
  const known = chains.get(authority);
  if (known !== undefined) return known;
  const pem = [authority.certificate, ...authority.chain]
    .map((certificate) => encodePem('CERTIFICATE', certificate.der))
    .join('');
  chains.set(authority, pem);
  return pem;
}
