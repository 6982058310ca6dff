import type { CertificationRequest } from '../x509/certification-request.ts';
import { readKeyUsage } from '../x509/extension-reader.ts';
import { extensionOid, type KeyUsage } from '../x509/extensions.ts';

/**
 * Of what a CSR carries, what is not in its certificate: attributes other than extensionRequest, by name or dotted OID, then
 * key usages. Everything else that a CSR asks for is granted or refused, so the list is whole. It follows from the two
 * alone, so a repeated request under one Idempotency-Key is answered the same.
 * @param keyUsage of the certificate
 */
export function notHonouredOf(csr: CertificationRequest, keyUsage: readonly KeyUsage[]): string[] {
  const extension = csr.extensions.find(({ oid }) => oid === extensionOid.keyUsage);
  const asked =
    extension === undefined ? [] : readKeyUsage(extension.value, 'csr.extensions.keyUsage', 'csr-malformed');
  return [...csr.otherAttributes, ...asked.filter((usage) => !keyUsage.includes(usage))];
}
