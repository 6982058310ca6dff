import assert from 'node:assert/strict';
import { generateKeyPairSync, generatePrimeSync } from 'node:crypto';
import { test } from 'node:test';
import { bitString, integer, nullValue, objectIdentifier, sequence } from '../../src/encoding/der-writer.ts';
import { checkPublicKey, type KeyPolicy } from '../../src/x509/key-policy.ts';
import { readSubjectPublicKeyInfo, type SubjectPublicKeyInfo } from '../../src/x509/public-key.ts';
import { throwsX509 } from './throws.ts';

const everything: KeyPolicy = {
  rsa: { minBits: 2048, maxBits: 8192 },
  ec: ['P-256', 'P-384', 'P-521'],
  ed25519: true,
};

function rsa(modulus: bigint, exponent = 65537n): SubjectPublicKeyInfo {
  const key = sequence(integer(modulus), integer(exponent));
  return readSubjectPublicKeyInfo(
    sequence(sequence(objectIdentifier('1.2.840.113549.1.1.1'), nullValue()), bitString(key)),
  );
}

function ed25519(hex: string): SubjectPublicKeyInfo {
  return readSubjectPublicKeyInfo(
    sequence(sequence(objectIdentifier('1.3.101.112')), bitString(Buffer.from(hex, 'hex'))),
  );
}

/** With the top two bits set, so that a product has all of its bits. */
function prime(bits: number): bigint {
  for (;;) {
    const candidate = generatePrimeSync(bits, { bigint: true });
    if (candidate >> BigInt(bits - 2) === 3n) return candidate;
  }
}

const p = prime(1024);
const sound = p * prime(1024);

function refuses(spki: SubjectPublicKeyInfo, reason: RegExp): void {
  throwsX509(() => checkPublicKey(spki, everything), 'key-weak', 'csr.publicKey', reason);
}

test('takes sound keys of every type', () => {
  const keys = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('rsa', { modulusLength: 2056 }),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    generateKeyPairSync('ed25519'),
  ];
  for (const { publicKey } of keys) {
    checkPublicKey(readSubjectPublicKeyInfo(publicKey.export({ type: 'spki', format: 'der' })), everything);
  }
  checkPublicKey(rsa(sound, 2n ** 64n - 1n), everything);
});

test('refuses RSA moduli of a wrong size', () => {
  refuses(rsa(prime(512) * prime(512)), /has 1024 bits/);
  refuses(rsa(prime(1023) * prime(1024)), /has 2047 bits/);
  refuses(rsa(sound * 4n), /has 2050 bits/);
  refuses(rsa(2n ** 8199n + 1n), /has 8200 bits/);
});

test('no policy reaches below 2048 bits', () => {
  const lax: KeyPolicy = { ...everything, rsa: { minBits: 512, maxBits: 99_999 } };
  throwsX509(() => checkPublicKey(rsa(prime(512) * prime(512)), lax), 'key-weak', 'csr.publicKey');
  throwsX509(() => checkPublicKey(rsa(2n ** 8199n + 1n), lax), 'key-weak', 'csr.publicKey');
});

test('refuses RSA exponents that are small, even or huge', () => {
  for (const exponent of [1n, 3n, 17n, 65535n, 65536n, 65538n, 2n ** 64n + 1n]) {
    refuses(rsa(sound, exponent), /exponent/);
  }
});

test('refuses RSA moduli that factor', () => {
  refuses(rsa((2n ** 2047n / 751n + 1n) * 751n), /divisible by/);
  refuses(rsa(p * p), /too close/);
  let q = p + 2n;
  while ([3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n].some((d) => q % d === 0n)) q += 2n;
  throwsX509(() => checkPublicKey(rsa(p * q), everything), 'key-weak', 'csr.publicKey');
});

test('refuses RSA moduli with the ROCA fingerprint', () => {
  // 65537^a modulo the primes up to 701 (Infineon's M for 2048 bits), and without a factor up to 751.
  let primorial = 1n;
  for (let n = 2n; n <= 701n; n += 1n) if (isPrime(n)) primorial *= n;
  let unit = 1n;
  for (let n = 0; n < 1000; n += 1) unit = (unit * 65537n) % primorial;
  for (let k = 2n ** 2047n / primorial + 1n; ; k += 1n) {
    const modulus = k * primorial + unit;
    if ([709n, 719n, 727n, 733n, 739n, 743n, 751n].some((d) => modulus % d === 0n)) continue;
    return refuses(rsa(modulus), /ROCA/);
  }
});

function isPrime(n: bigint): boolean {
  for (let d = 2n; d * d <= n; d += 1n) if (n % d === 0n) return false;
  return true;
}

test('refuses what the policy leaves out', () => {
  const nothing: KeyPolicy = { rsa: false, ec: ['P-384'], ed25519: false };
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  const ed = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
  for (const spki of [rsa(sound), readSubjectPublicKeyInfo(ec), readSubjectPublicKeyInfo(ed)]) {
    throwsX509(() => checkPublicKey(spki, nothing, 'key'), 'key-type-unsupported', 'key');
  }
});

test('refuses every Ed25519 point of small order, with either sign, and those that are not canonical', () => {
  for (const y of smallOrderYs()) {
    for (const sign of [0n, 1n]) refuses(ed25519(littleEndian(y + (sign << 255n))), /small order/);
  }
  for (let excess = 0n; excess < 19n; excess += 1n)
    refuses(ed25519(littleEndian(2n ** 255n - 19n + excess)), /canonical/);
  assert.doesNotThrow(() => checkPublicKey(ed25519(littleEndian(2n ** 255n - 21n)), everything));
});

function littleEndian(n: bigint): string {
  return Buffer.from(n.toString(16).padStart(64, '0'), 'hex').reverse().toString('hex');
}

/**
 * y of the points of order 1, 2, 4, 8 on -x^2 + y^2 = 1 + d x^2 y^2, derived: 1, -1 and 0; and order 8 where doubling gives
 * y = 0, that is x^2 = -y^2, so that d y^4 + 2 y^2 - 1 = 0 and y^2 = (-1 +- sqrt(1 + d)) / d.
 */
function smallOrderYs(): bigint[] {
  const q = 2n ** 255n - 19n;
  const mod = (n: bigint): bigint => ((n % q) + q) % q;
  const pow = (base: bigint, exponent: bigint): bigint => {
    let result = 1n;
    for (let [left, square] = [exponent, mod(base)]; left > 0n; left >>= 1n, square = mod(square * square)) {
      if (left & 1n) result = mod(result * square);
    }
    return result;
  };
  const root = (n: bigint): bigint | undefined => {
    // RFC 8032 5.1.3: q is 5 modulo 8.
    const candidate = pow(n, (q + 3n) / 8n);
    return [candidate, mod(candidate * pow(2n, (q - 1n) / 4n))].find((c) => mod(c * c - n) === 0n);
  };
  const d = mod(-121665n * pow(121666n, q - 2n));
  const s = root(mod(1n + d)) ?? assert.fail('1 + d is a square');
  const squares = [s, mod(-s)].map((r) => mod((r - 1n) * pow(d, q - 2n)));
  const order8 = squares.flatMap((square) => root(square) ?? []).flatMap((y) => [y, mod(-y)]);
  assert.equal(order8.length, 2);
  return [0n, 1n, q - 1n, ...order8];
}
