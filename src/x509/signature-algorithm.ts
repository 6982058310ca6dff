import type { KeyObject } from 'node:crypto';
import type { PublicKeyAlgorithm } from './public-key.ts';
import { X509Error } from './x509-error.ts';

export type SignatureAlgorithmName =
  | 'ecdsa-with-SHA256'
  | 'ecdsa-with-SHA384'
  | 'ecdsa-with-SHA512'
  | 'sha256WithRSAEncryption'
  | 'sha384WithRSAEncryption'
  | 'sha512WithRSAEncryption'
  | 'Ed25519';

export interface SignatureAlgorithm {
  readonly name: SignatureAlgorithmName;
  /** AlgorithmIdentifier DER. */
  readonly der: Buffer;
  /** What `crypto.sign` takes: 'sha256', …; null for Ed25519. */
  readonly digest: string | null;
}

interface AlgorithmRow extends SignatureAlgorithm {
  readonly keyType: PublicKeyAlgorithm;
}

function row(
  name: SignatureAlgorithmName,
  keyType: PublicKeyAlgorithm,
  digest: string | null,
  hex: string,
): AlgorithmRow {
  return { name, keyType, digest, der: Buffer.from(hex, 'hex') };
}

/** Parameters: NULL with RSA (RFC 4055 section 5), absent with ECDSA (RFC 5758 3.2) and Ed25519 (RFC 8410 section 3). */
export const signatureAlgorithms: Readonly<Record<SignatureAlgorithmName, AlgorithmRow>> = {
  'ecdsa-with-SHA256': row('ecdsa-with-SHA256', 'ec', 'sha256', '300a06082a8648ce3d040302'),
  'ecdsa-with-SHA384': row('ecdsa-with-SHA384', 'ec', 'sha384', '300a06082a8648ce3d040303'),
  'ecdsa-with-SHA512': row('ecdsa-with-SHA512', 'ec', 'sha512', '300a06082a8648ce3d040304'),
  sha256WithRSAEncryption: row('sha256WithRSAEncryption', 'rsa', 'sha256', '300d06092a864886f70d01010b0500'),
  sha384WithRSAEncryption: row('sha384WithRSAEncryption', 'rsa', 'sha384', '300d06092a864886f70d01010c0500'),
  sha512WithRSAEncryption: row('sha512WithRSAEncryption', 'rsa', 'sha512', '300d06092a864886f70d01010d0500'),
  Ed25519: row('Ed25519', 'ed25519', null, '300506032b6570'),
};

/** The AlgorithmIdentifiers that say this algorithm: the one that we write, and what else readers of certificates accept. */
function encodingsOf({ der, keyType }: AlgorithmRow): string[] {
  const hex = der.toString('hex');
  // RFC 8410 section 3 forbids the parameters, and neither OpenSSL nor Go takes them.
  if (keyType === 'ed25519') return [hex];
  return [hex, hex.endsWith('0500') ? withLength(hex.slice(4, -4)) : withLength(`${hex.slice(4)}0500`)];
}

/** A SEQUENCE of fewer than 128 octets. */
function withLength(content: string): string {
  return `30${(content.length / 2).toString(16).padStart(2, '0')}${content}`;
}

const byEncoding: ReadonlyMap<string, AlgorithmRow> = new Map(
  Object.values(signatureAlgorithms).flatMap((algorithm) =>
    encodingsOf(algorithm).map((hex) => [hex, algorithm] as const),
  ),
);

/**
 * The algorithm that an AlgorithmIdentifier means; undefined for any other. RSA and ECDSA with NULL or without parameters:
 * RFC 4055 section 5 has readers take both, and small TLS libraries write NULL with ECDSA.
 */
export function signatureAlgorithmOf(der: Buffer): AlgorithmRow | undefined {
  return byEncoding.get(der.toString('hex'));
}

const byCurve: Readonly<Record<string, SignatureAlgorithmName>> = {
  prime256v1: 'ecdsa-with-SHA256',
  secp384r1: 'ecdsa-with-SHA384',
  secp521r1: 'ecdsa-with-SHA512',
};

/**
 * The algorithm that a CA with this key signs with: the hash as strong as the key (RFC 5480 section 4, SP 800-57).
 * Throws `X509Error` key-type-unsupported.
 */
export function signatureAlgorithmFor(publicKey: KeyObject): SignatureAlgorithm {
  const { modulusLength = 0, namedCurve = '' } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.asymmetricKeyType === 'ed25519') return signatureAlgorithms.Ed25519;
  if (publicKey.asymmetricKeyType === 'rsa') return signatureAlgorithms[rsaAlgorithmFor(modulusLength)];
  const name = publicKey.asymmetricKeyType === 'ec' ? byCurve[namedCurve] : undefined;
  if (name !== undefined) return signatureAlgorithms[name];
  const type = `${publicKey.asymmetricKeyType ?? 'secret'} ${namedCurve}`.trim();
  throw new X509Error('key-type-unsupported', `A key of type ${type} does not sign here`, 'publicKey');
}

/** SP 800-57 part 1, table 2: 3072 bits are worth 128, 7680 are worth 192. */
function rsaAlgorithmFor(modulusLength: number): SignatureAlgorithmName {
  if (modulusLength < 4096) return 'sha256WithRSAEncryption';
  return modulusLength < 7680 ? 'sha384WithRSAEncryption' : 'sha512WithRSAEncryption';
}
