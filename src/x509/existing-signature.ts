import { DerReader } from '../encoding/der-reader.ts';
import { readField } from './der-field.ts';
import { signatureAlgorithms } from './signature-algorithm.ts';
import { readSignatureScheme, type SignatureScheme } from './signed.ts';

/** Digests that we do not sign with, but that OpenSSL lets others sign with. SHA-1 is not among them, nor at nginx. */
const others: readonly (readonly [oid: string, SignatureScheme])[] = [
  ['1.2.840.113549.1.1.14', { keyType: 'rsa', digest: 'sha224' }],
  ['1.2.840.10045.4.3.1', { keyType: 'ec', digest: 'sha224' }],
];

const byOid: ReadonlyMap<string, SignatureScheme> = new Map([
  ...Object.values(signatureAlgorithms)
    // Ed25519 with parameters is no algorithm to OpenSSL either.
    .filter(({ keyType }) => keyType !== 'ed25519')
    .map(({ der, keyType, digest }) => [oidOf(der), { keyType, digest }] as const),
  ...others,
]);

function oidOf(algorithm: Buffer): string {
  return new DerReader(algorithm).sequence().oid();
}

/**
 * How a certificate or a CRL that exists was signed. OpenSSL and Go do not look at the parameters of RSA (PKCS #1 1.5) and
 * ECDSA, so whatever they are says nothing. Throws `X509Error` signature-unsupported.
 */
export function readExistingScheme(algorithm: Buffer, field: string): SignatureScheme {
  const oid = readField('signature-unsupported', field, () => oidOf(algorithm));
  return byOid.get(oid) ?? readSignatureScheme(algorithm, field);
}
