import assert from 'node:assert/strict';
import { generateKeyPairSync, generatePrimeSync } from 'node:crypto';
import { test } from 'node:test';
import {
  fermatFactorable,
  hasRocaFingerprint,
  rocaPrimes,
  smallPrimeFactor,
} from '../../src/x509/weak-rsa.ts';

function prime(bits: number): bigint {
  return generatePrimeSync(bits, { bigint: true });
}

function soundModulus(): bigint {
  const { n = '' } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  return BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`);
}

test('finds every prime factor up to 751, and none above', () => {
  const large = prime(1024) * prime(1013);
  for (const factor of [2, 3, 5, 7, 11, 167, 743, 751]) {
    assert.equal(smallPrimeFactor(large * BigInt(factor)), factor);
  }
  assert.equal(smallPrimeFactor(large * 757n), undefined);
  assert.equal(smallPrimeFactor(large * 751n * 13n), 13);
});

test('Fermat finds close primes, and not those that are far apart', () => {
  const p = prime(1024);
  let q = p + 2n;
  while (!probablyPrime(q)) q += 2n;
  assert.equal(fermatFactorable(p * q), true);
  assert.equal(fermatFactorable(p * p), true);
  assert.equal(fermatFactorable(soundModulus()), false);
});

test('Fermat goes on for exactly 100 rounds', () => {
  // n = a^2 - b^2 with a = ceil(sqrt(n)) + k is found in round k, counted from 0. Any odd p and q serve, prime or not.
  const center = 2n ** 1024n + 2n ** 511n;
  for (const [gap, found] of [
    [98n, true],
    [99n, true],
    [100n, false],
  ] as const) {
    assert.equal(fermatFactorable(foundInRound(center, gap)), found, `round ${gap}`);
  }
});

/** A number (a - b)(a + b) for which a lies `round` above floor(sqrt(n)) + 1. */
function foundInRound(a: bigint, round: bigint): bigint {
  // sqrt(a^2 - b^2) is about a - b^2 / 2a: choose b so that this lies between round and round + 1 below a.
  const b = squareRoot(a * (2n * round + 1n));
  return a * a - b * b;
}

function squareRoot(n: bigint): bigint {
  let low = 0n;
  let high = n;
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle * middle <= n) low = middle;
    else high = middle - 1n;
  }
  return low;
}

/** Fermat's test to a few bases is enough to find a prime for a test. */
function probablyPrime(n: bigint): boolean {
  if (smallPrimeFactor(n) !== undefined) return false;
  let [result, base, exponent] = [1n, 3n, n - 1n];
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % n;
    base = (base * base) % n;
  }
  return result === 1n;
}

test('the ROCA primes are the 17 of the published detection tool', () => {
  assert.deepEqual(
    rocaPrimes.map(({ prime: p }) => p),
    [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157],
  );
});

test('recognises moduli of the ROCA form, and no sound one', () => {
  // Infineon's primes: k * M + (65537^a mod M), M the product of the first 126 primes for a 2048-bit key.
  const primorial = firstPrimes(126).reduce((product, p) => product * p, 1n);
  const infineon = (k: bigint, a: bigint): bigint => k * primorial + modPow(65537n, a, primorial);
  const modulus = infineon(0x1234567890abcdefn, 123456789n) * infineon(0xfedcba0987654321n, 987654321n);
  assert.equal(hasRocaFingerprint(modulus), true);
  assert.equal(hasRocaFingerprint(modulus + 2n), false);
  for (let n = 0; n < 5; n += 1) assert.equal(hasRocaFingerprint(soundModulus()), false);
});

function firstPrimes(count: number): bigint[] {
  const primes: bigint[] = [];
  for (let n = 2n; primes.length < count; n += 1n) if (primes.every((p) => n % p !== 0n)) primes.push(n);
  return primes;
}

function modPow(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, power] = [1n, base % modulus];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * power) % modulus;
    power = (power * power) % modulus;
  }
  return result;
}
