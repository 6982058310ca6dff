import { createHash } from 'node:crypto';
import type { Authority } from '../authority/authority.ts';
import { chainPem } from '../authority/chain-pem.ts';
import type { CurrentCrl } from '../revocation/crl-files.ts';
import type { TrustMaterial } from './trust-material.ts';

/**
 * Puts the certificates and the CRLs of all authorities side by side, the default's first. Certificate and CRL of
 * an authority go in together or not at all: nginx refuses every client of a CA whose CRL is missing.
 * @param parts at least one; the first decides `crlNumber`
 */
export async function composeTrustMaterial(
  parts: readonly [AuthorityWithCrl, ...AuthorityWithCrl[]],
): Promise<TrustMaterial> {
  const crls = await Promise.all(parts.map(({ crl }) => crl.pem()));
  const certificates = parts.flatMap(({ authority }) => [authority.certificate, ...authority.chain]);
  return {
    caCrt: parts.map(({ authority }) => chainPem(authority)).join(''),
    caCrl: crls.map((pem) => pem.toString('latin1')).join(''),
    crlNumber: parts[0].crl.number,
    nextUpdate: new Date(Math.min(...parts.map(({ crl }) => crl.nextUpdate.getTime()))),
    caFingerprints: certificates.map(({ der }) => createHash('sha256').update(der).digest('hex')),
  };
}

export interface AuthorityWithCrl {
  readonly authority: Authority;
  readonly crl: CurrentCrl;
}
