import { createPublicKey, hash, type KeyObject } from 'node:crypto';
import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { nullValue, objectIdentifier, sequence, tlv } from '../encoding/der-writer.ts';
import { tag } from '../encoding/tag.ts';
import { readField } from './der-field.ts';
import { ecPointProblem } from './ec-point.ts';
import { X509Error } from './x509-error.ts';

export type PublicKeyAlgorithm = 'rsa' | 'ec' | 'ed25519';
export type CurveName = 'P-256' | 'P-384' | 'P-521';

export interface SubjectPublicKeyInfo {
  /** As it was read; with the NULL of RSA where that was left out. */
  readonly der: Buffer;
  readonly algorithm: PublicKeyAlgorithm;
  readonly curve?: CurveName;
  /** Modulus or field size; 256 for Ed25519. */
  readonly bits: number;
  /** Made when it is first asked for: OpenSSL takes longer for it than all of our reading. Throws `X509Error` key-malformed. */
  readonly keyObject: KeyObject;
  /** RSA: big-endian magnitude. */
  readonly modulus?: Buffer;
  readonly exponent?: bigint;
  /** Content of the BIT STRING, without the octet of unused bits. */
  readonly subjectPublicKey: Buffer;
}

const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
const ED25519 = '1.3.101.112';
const ED25519_OCTETS = 32;

/** OpenSSL's own limit (OPENSSL_RSA_MAX_MODULUS_BITS). */
const MAX_MODULUS_OCTETS = 2048;

const curves: Readonly<Record<string, { readonly curve: CurveName; readonly bits: number }>> = {
  '1.2.840.10045.3.1.7': { curve: 'P-256', bits: 256 },
  '1.3.132.0.34': { curve: 'P-384', bits: 384 },
  '1.3.132.0.35': { curve: 'P-521', bits: 521 },
};

const rsaWithoutParameters = sequence(objectIdentifier(RSA_ENCRYPTION));

/** The form with NULL: Go reads no certificate whose RSA key is without it, and one key has one hash. */
function rsaKeyInfo(subjectPublicKey: Buffer): Buffer {
  const key = tlv(tag.bitString, Buffer.concat([Buffer.of(0), subjectPublicKey]));
  return sequence(sequence(objectIdentifier(RSA_ENCRYPTION), nullValue()), key);
}

type KeyDetails = Pick<SubjectPublicKeyInfo, 'algorithm' | 'bits' | 'curve' | 'modulus' | 'exponent'>;

/**
 * Reads a SubjectPublicKeyInfo (RFC 3279, 5480, 8410). EC: named curves only, uncompressed point on the curve, not infinity.
 * Throws `X509Error` key-malformed or key-type-unsupported with `field`.
 */
export function readSubjectPublicKeyInfo(
  der: Uint8Array,
  field = 'subjectPublicKeyInfo',
): SubjectPublicKeyInfo {
  return readField('key-malformed', field, () => {
    const outer = new DerReader(der);
    const whole = outer.element(tag.sequence);
    outer.finish();
    const spki = new DerReader(whole).sequence();
    const identifier = spki.element(tag.sequence);
    const subjectPublicKey = spki.bitStringOctets();
    spki.finish();
    const details = readKey(new DerReader(identifier).sequence(), subjectPublicKey, field);
    const canonical = identifier.equals(rsaWithoutParameters) ? rsaKeyInfo(subjectPublicKey) : whole;
    return withKeyObject({ der: canonical, ...details, subjectPublicKey }, field);
  });
}

function withKeyObject(spki: Omit<SubjectPublicKeyInfo, 'keyObject'>, field: string): SubjectPublicKeyInfo {
  let made: KeyObject | undefined;
  return {
    ...spki,
    get keyObject() {
      made ??= importKey(spki.der, field);
      return made;
    },
  };
}

function importKey(der: Buffer, field: string): KeyObject {
  try {
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch (error) {
    throw new X509Error('key-malformed', `${field}: OpenSSL refuses the key`, field, error);
  }
}

function readKey(algorithm: DerReader, subjectPublicKey: Buffer, field: string): KeyDetails {
  const oid = algorithm.oid();
  switch (oid) {
    case RSA_ENCRYPTION:
      // RFC 3279 2.3.1: the parameters are NULL. Without them OpenSSL reads the key, too.
      if (!algorithm.atEnd) algorithm.null();
      algorithm.finish();
      return readRsaKey(subjectPublicKey);
    case EC_PUBLIC_KEY:
      return readEcKey(algorithm, subjectPublicKey, field);
    case ED25519:
      algorithm.finish();
      if (subjectPublicKey.length !== ED25519_OCTETS) {
        throw new DerError('An Ed25519 key does not have 32 octets', 0);
      }
      return { algorithm: 'ed25519', bits: 256 };
    default:
      throw unsupported(`the key algorithm ${oid}`, field);
  }
}

function readRsaKey(subjectPublicKey: Buffer): KeyDetails {
  const outer = new DerReader(subjectPublicKey);
  const key = outer.sequence();
  outer.finish();
  const modulus = key.positiveInteger();
  const exponent = key.positiveInteger();
  key.finish();
  if (modulus.length > MAX_MODULUS_OCTETS || exponent.length > modulus.length) {
    throw new DerError('The RSA modulus or exponent is too large', 0);
  }
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  return { algorithm: 'rsa', bits, modulus, exponent: BigInt(`0x${exponent.toString('hex')}`) };
}

function readEcKey(algorithm: DerReader, point: Buffer, field: string): KeyDetails {
  // RFC 5480 2.1.1: implicitCurve (NULL) and specifiedCurve are forbidden; the latter made CVE-2020-0601.
  if (algorithm.peek() !== tag.oid) throw unsupported('an EC key without a named curve', field);
  const oid = algorithm.oid();
  algorithm.finish();
  const named = curves[oid];
  if (named === undefined) throw unsupported(`the curve ${oid}`, field);
  const problem = ecPointProblem(named.curve, point);
  if (problem !== undefined) throw new DerError(problem, 0);
  return { algorithm: 'ec', ...named };
}

function unsupported(what: string, field: string): X509Error {
  return new X509Error('key-type-unsupported', `${field}: ${what} is not supported`, field);
}

/** RFC 5280 4.2.1.2 (1): SHA-1 of the BIT STRING's content, 20 octets. A name for the key: no security rests on the hash. */
export function subjectKeyIdentifier(spki: SubjectPublicKeyInfo): Buffer {
  return hash('sha1', spki.subjectPublicKey, 'buffer');
}

/** SHA-256 of the whole SubjectPublicKeyInfo, 32 octets. */
export function spkiSha256(spki: SubjectPublicKeyInfo): Buffer {
  return hash('sha256', spki.der, 'buffer');
}
