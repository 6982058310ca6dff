import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import { RSA_MAX_BITS } from '../x509/key-policy.ts';
import type { PublicKeyAlgorithm, SubjectPublicKeyInfo } from '../x509/public-key.ts';
import type { RevocationReason } from '../x509/revocation-reason.ts';
import { signatureAlgorithms } from '../x509/signature-algorithm.ts';
import { verifySigned } from '../x509/signed.ts';

/**
 * What the holder of a key may say of its certificate. Not certificateHold: a statement can be sent again by whoever has seen it, and
 * would undo the release. Nor that an authority is compromised, which is not the holder's to say.
 */
export const provableReasons = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const satisfies readonly RevocationReason[];

export type ProvableReason = (typeof provableReasons)[number];

/**
 * The text that the certificate's key signs, in ASCII, each line ended by one line feed. Its first line is what no other protocol
 * signs: a CSR and a certificate begin with the octet 0x30, a handshake of TLS 1.3 with 64 spaces. The fingerprint names one
 * certificate of one CA, so that the statement says nothing about any other. It says for ever what it says, and to send
 * it again changes nothing.
 * @param fingerprint SHA-256 of the certificate's DER, lower-case hex
 */
export function revocationStatement(fingerprint: string, reason: ProvableReason): string {
  return `internal-ca revocation request 1\ncertificate-sha256: ${fingerprint}\nreason: ${reason}\n`;
}

/** As `openssl dgst -sha256 -sign` makes them (RSA: PKCS #1 1.5), and `openssl pkeyutl -sign -rawin` with an Ed25519 key. */
const algorithmOf: Readonly<Record<PublicKeyAlgorithm, Buffer>> = {
  rsa: signatureAlgorithms.sha256WithRSAEncryption.der,
  ec: signatureAlgorithms['ecdsa-with-SHA256'].der,
  ed25519: signatureAlgorithms.Ed25519.der,
};

/** Whether `signature` is by the certificate's own key over the statement; on the thread pool, where it can be one at all. */
export async function provesPossession(
  certificate: Pick<Certificate, 'publicKey'> & { readonly fingerprint: string },
  reason: ProvableReason,
  signature: Buffer,
): Promise<boolean> {
  const { publicKey, fingerprint } = certificate;
  if (!isPlausible(publicKey, signature)) return false;
  const signed = {
    tbs: Buffer.from(revocationStatement(fingerprint, reason), 'ascii'),
    signatureAlgorithm: algorithmOf[publicKey.algorithm],
    signature,
  };
  return await verifySigned(signed, publicKey, 'signature');
}

const ed25519SignatureOctets = 64;
/** Ecdsa-Sig-Value (RFC 3279 2.2.3): a SEQUENCE of two INTEGERs, each at most one octet longer than the field, and headers. */
const ecdsaHeaderOctets = 9;

/** Costs nothing. Keys of other people's certificates (imported ones) are perhaps larger than any that we would sign. */
function isPlausible({ algorithm, bits }: SubjectPublicKeyInfo, { length }: Buffer): boolean {
  const octets = Math.ceil(bits / 8);
  if (algorithm === 'ed25519') return length === ed25519SignatureOctets;
  if (algorithm === 'rsa') return bits <= RSA_MAX_BITS && length === octets;
  return length <= 2 * octets + ecdsaHeaderOctets;
}

/** Larger than any signature of a key that is not RSA: ECDSA over 571 bits has fewer than 160 octets. */
const mostOtherOctets = 256;

/**
 * The same for a key that nothing is issued for, as OpenSSL reads it: ECDSA on another curve and DSA with SHA-256, or Ed448.
 * False where it reads none.
 * @param certificate.spki SubjectPublicKeyInfo DER
 */
export async function provesPossessionOfOther(
  { spki, fingerprint }: { readonly spki: Buffer; readonly fingerprint: string },
  reason: ProvableReason,
  signature: Buffer,
): Promise<boolean> {
  if (signature.length > mostOtherOctets) return false;
  const key = keyOf(spki);
  const digest = key?.asymmetricKeyType === 'ed448' ? null : 'sha256';
  if (key === undefined || !otherTypes.has(key.asymmetricKeyType ?? '')) return false;
  const statement = Buffer.from(revocationStatement(fingerprint, reason), 'ascii');
  return await new Promise((resolve) => {
    try {
      verify(digest, statement, key, signature, (error, valid) => resolve(error === null && valid));
    } catch {
      // OpenSSL's, on a key that it cannot check with.
      resolve(false);
    }
  });
}

const otherTypes: ReadonlySet<string> = new Set(['ec', 'dsa', 'ed448']);

function keyOf(spki: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
