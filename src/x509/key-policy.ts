import type { SubjectPublicKeyInfo } from './public-key.ts';
import { fermatFactorable, hasRocaFingerprint, smallPrimeFactor } from './weak-rsa.ts';
import { X509Error } from './x509-error.ts';

/** Which keys a profile takes. `ec` lists curve names as in `SubjectPublicKeyInfo.curve`. */
export interface KeyPolicy {
  readonly rsa: { readonly minBits: number; readonly maxBits: number } | false;
  readonly ec: readonly string[];
  readonly ed25519: boolean;
}

/** No policy goes outside of these: below is broken, above costs every verifier too much. */
export const RSA_MIN_BITS = 2048;
export const RSA_MAX_BITS = 8192;

/**
 * Refuses a key that the policy excludes (`X509Error` key-type-unsupported) or that is weak (key-weak with the reason).
 * Call it before the CSR's signature is checked: it bounds what that check can cost.
 */
export function checkPublicKey(spki: SubjectPublicKeyInfo, policy: KeyPolicy, field = 'csr.publicKey'): void {
  switch (spki.algorithm) {
    case 'rsa':
      if (policy.rsa === false) throw notAccepted('RSA', field);
      checkRsaKey(spki, policy.rsa, field);
      return;
    case 'ec':
      if (spki.curve === undefined || !policy.ec.includes(spki.curve)) {
        throw notAccepted(`EC ${spki.curve}`, field);
      }
      return;
    case 'ed25519':
      if (!policy.ed25519) throw notAccepted('Ed25519', field);
      checkEd25519Point(spki.subjectPublicKey, field);
  }
}

function checkRsaKey(
  { bits, modulus = Buffer.alloc(0), exponent = 0n }: SubjectPublicKeyInfo,
  policy: { readonly minBits: number; readonly maxBits: number },
  field: string,
): void {
  const minBits = Math.max(RSA_MIN_BITS, policy.minBits);
  const maxBits = Math.min(RSA_MAX_BITS, policy.maxBits);
  if (bits < minBits || bits > maxBits || bits % 8 !== 0) {
    const rule = `a multiple of 8 from ${minBits} to ${maxBits}`;
    throw weak(`the RSA modulus has ${bits} bits, and must have ${rule}`, field);
  }
  // FIPS 186-5 A.1.1: odd and above 2^16. Below 2^64 since verifiers (OpenSSL among them) refuse more for large moduli.
  if (exponent % 2n === 0n || exponent < 65537n || exponent >= 2n ** 64n) {
    throw weak('the RSA exponent must be odd, at least 65537 and below 2^64', field);
  }
  checkRsaFactors(BigInt(`0x${modulus.toString('hex')}`), field);
}

function checkRsaFactors(modulus: bigint, field: string): void {
  const factor = smallPrimeFactor(modulus);
  if (factor !== undefined) throw weak(`the RSA modulus is divisible by ${factor}`, field);
  if (hasRocaFingerprint(modulus))
    throw weak('the RSA modulus has the ROCA fingerprint (CVE-2017-15361)', field);
  if (fermatFactorable(modulus)) throw weak('the RSA primes are too close together (Fermat)', field);
}

/** y-coordinates of the points of order 1, 2, 4 and 8, which make a signature valid for any message (RFC 7748 section 7). */
const smallOrderPoints: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

/** A y of 2^255 - 19 or more (RFC 8032 5.1.3 refuses it), little-endian without the sign bit. */
const NOT_CANONICAL = /^(?:e[d-f]|f.)(?:ff){30}7f$/;

/** A point that is not on the curve needs no check: no signature verifies under it. */
function checkEd25519Point(point: Buffer, field: string): void {
  const y = Buffer.from(point);
  y[31] = (y[31] ?? 0) & 0x7f;
  const hex = y.toString('hex');
  if (smallOrderPoints.has(hex) || NOT_CANONICAL.test(hex)) {
    throw weak('the Ed25519 point is of small order or not canonical', field);
  }
}

function notAccepted(type: string, field: string): X509Error {
  return new X509Error('key-type-unsupported', `${field}: ${type} keys are not accepted here`, field);
}

function weak(reason: string, field: string): X509Error {
  return new X509Error('key-weak', `${field}: ${reason}`, field);
}
