import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { integer, sequence, tlv } from '../encoding/der-writer.ts';
import { contextConstructed } from '../encoding/tag.ts';
import { assembleSigned } from '../x509/certificate-template.ts';
import { parseName } from '../x509/name.ts';
import { signatureAlgorithmFor } from '../x509/signature-algorithm.ts';

/**
 * PKCS #10 (RFC 2986), DER, with no attributes: how a part of the service itself asks for a certificate, so that it is issued and
 * recorded as anybody's is.
 * @param subject RFC 4514
 */
export function ownRequest(key: KeyObject, subject: string): Buffer {
  const publicKey = createPublicKey(key);
  const info = sequence(
    integer(0),
    parseName(subject).der,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(contextConstructed(0)),
  );
  const { der, digest } = signatureAlgorithmFor(publicKey);
  return assembleSigned(info, der, sign(digest, info, key));
}
