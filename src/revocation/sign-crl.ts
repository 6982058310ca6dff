import type { Authority } from '../authority/authority.ts';
import { crlChunks, encodeTbsCertList } from '../x509/crl.ts';
import { subjectKeyIdentifier } from '../x509/public-key.ts';
import { type CrlHead, checkSignature } from './check-crl.ts';

export interface CrlOptions {
  /** Makes it a delta to the complete CRL with this number. */
  readonly deltaBase?: bigint;
  /** Where its delta is. */
  readonly freshestCrl?: string;
  /** Makes it the part that is at this URI. */
  readonly distributionPoint?: string;
}

/**
 * Signs a list of entries, and checks that everybody else will find it signed. The DER comes in chunks, those of the entries
 * uncopied.
 */
export async function signCrl(
  { certificate, signer }: Authority,
  { number, thisUpdate, nextUpdate }: CrlHead,
  entries: readonly Buffer[],
  options: CrlOptions,
): Promise<Buffer[]> {
  const tbs = encodeTbsCertList({
    signatureAlgorithm: signer.algorithm.der,
    issuer: certificate.subject.der,
    thisUpdate,
    nextUpdate,
    authorityKeyId: certificate.subjectKeyId ?? subjectKeyIdentifier(certificate.publicKey),
    crlNumber: number,
    entries,
    ...options,
  });
  const signature = await signer.signChunks(tbs);
  await checkSignature({ certificate, signer }, tbs, signature);
  return crlChunks(tbs, signer.algorithm.der, signature);
}
