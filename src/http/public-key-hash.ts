import { decodePem, PemError } from '../encoding/pem.ts';
import { Fault } from '../fault.ts';
import { readSubjectPublicKeyInfo, spkiSha256 } from '../x509/public-key.ts';
import { X509Error } from '../x509/x509-error.ts';

/**
 * SHA-256 of a SubjectPublicKeyInfo, given as hex, or the key itself as one PEM block PUBLIC KEY (RFC 7468 section 13).
 * @throws Fault `request-invalid` naming `field`
 */
export function publicKeyHash(text: string, field: string): Buffer {
  if (/^[0-9A-Fa-f]{64}$/.test(text)) return Buffer.from(text, 'hex');
  try {
    const [block, ...others] = decodePem(text);
    if (block?.label === 'PUBLIC KEY' && others.length === 0)
      return spkiSha256(readSubjectPublicKeyInfo(block.der, 'publicKey'));
  } catch (error) {
    if (!(error instanceof PemError || error instanceof X509Error)) throw error;
    throw new Fault('request-invalid', error.message, { field, cause: error });
  }
  throw new Fault(
    'request-invalid',
    'The key is neither one PEM block "PUBLIC KEY" nor the hex of a SHA-256.',
    { field },
  );
}
