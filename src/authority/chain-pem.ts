import { encodePem } from '../encoding/pem.ts';
import type { Certificate } from '../x509/certificate.ts';

/** As much of an authority as its files need: not the key. */
export interface CertificateChain {
  readonly certificate: Pick<Certificate, 'der'>;
  readonly chain: readonly Pick<Certificate, 'der'>[];
}

const chains = new WeakMap<CertificateChain, string>();

/** The authority's own certificate and those above it, as concatenated PEM; encoded once per authority. */
export function chainPem(authority: CertificateChain): string {
  const known = chains.get(authority);
  if (known !== undefined) return known;
  const pem = [authority.certificate, ...authority.chain]
    .map((certificate) => encodePem('CERTIFICATE', certificate.der))
    .join('');
  chains.set(authority, pem);
  return pem;
}
