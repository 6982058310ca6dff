import { createHash } from 'node:crypto';
import type { Authority } from '../authority/authority.ts';
import { chainPem } from '../authority/chain-pem.ts';
import { pemLength } from '../encoding/pem.ts';
import type { CurrentCrl } from '../revocation/crl-files.ts';
import type { CrlText, TrustMaterial } from './trust-material.ts';

type OneForm = Pick<CurrentCrl, 'der' | 'pem'>;

export interface AuthorityWithCrl {
  readonly authority: Pick<Authority, 'certificate' | 'chain'>;
  readonly crl: OneForm &
    Pick<CurrentCrl, 'number' | 'nextUpdate' | 'entryCount'> & { readonly compact?: OneForm };
}

/**
 * Puts the certificates and the CRLs of all authorities side by side, the default's first. Certificate and CRL of
 * an authority go in together or not at all: nginx refuses every client of a CA whose CRL is missing.
 * @param parts at least one; the first decides `crlNumber`
 */
export function composeTrustMaterial(
  parts: readonly [AuthorityWithCrl, ...AuthorityWithCrl[]],
): TrustMaterial {
  const certificates = parts.flatMap(({ authority }) => [authority.certificate, ...authority.chain]);
  const compact = parts.some(({ crl }) => crl.compact !== undefined);
  return {
    caCrt: parts.map(({ authority }) => chainPem(authority)).join(''),
    crls: {
      full: textOf(parts.map(({ crl }) => crl)),
      // An authority that has no compact form is small.
      ...(compact ? { compact: textOf(parts.map(({ crl }) => crl.compact ?? crl)) } : {}),
    },
    entryCount: parts.reduce((sum, { crl }) => sum + crl.entryCount, 0),
    crlNumber: parts[0].crl.number,
    nextUpdate: new Date(Math.min(...parts.map(({ crl }) => crl.nextUpdate.getTime()))),
    caFingerprints: certificates.map(({ der }) => createHash('sha256').update(der).digest('hex')),
  };
}

function textOf(crls: readonly OneForm[]): CrlText {
  return {
    sizeBytes: crls.reduce((sum, { der }) => sum + pemLength('X509 CRL', der.length), 0),
    pems: () => Promise.all(crls.map((crl) => crl.pem())),
  };
}
