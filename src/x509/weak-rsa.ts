/** Signs of RSA moduli that can be factored. Each check costs well under a tenth of a millisecond at 4096 bits. */

const LARGEST_SMALL_PRIME = 751;
const LARGEST_ROCA_PRIME = 167;
const FERMAT_ROUNDS = 100;

function primesUpTo(limit: number): number[] {
  const primes: number[] = [];
  for (let n = 2; n <= limit; n += 1) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return primes;
}

interface PrimeGroup {
  readonly primes: readonly number[];
  /** Their product, below 2^53: one BigInt division serves them all. */
  readonly product: bigint;
}

function groupPrimes(primes: readonly number[]): PrimeGroup[] {
  const groups: { primes: number[]; product: number }[] = [];
  for (const prime of primes) {
    const last = groups.at(-1);
    if (last !== undefined && last.product * prime <= Number.MAX_SAFE_INTEGER) {
      last.primes.push(prime);
      last.product *= prime;
    } else {
      groups.push({ primes: [prime], product: prime });
    }
  }
  return groups.map((group) => ({ primes: group.primes, product: BigInt(group.product) }));
}

const smallPrimes = primesUpTo(LARGEST_SMALL_PRIME);
const smallPrimeGroups = groupPrimes(smallPrimes);
const smallPrimesProduct = smallPrimes.reduce((product, prime) => product * BigInt(prime), 1n);

/** The smallest prime factor up to 751, or undefined (CA/Browser Forum BR 6.1.6 bounds it so). */
export function smallPrimeFactor(modulus: bigint): number | undefined {
  const reduced = modulus % smallPrimesProduct;
  for (const { primes, product } of smallPrimeGroups) {
    const residue = Number(reduced % product);
    const factor = primes.find((prime) => residue % prime === 0);
    if (factor !== undefined) return factor;
  }
  return undefined;
}

/** `powers[x]` tells whether x is a power of 65537 modulo the prime. */
function powersOf65537(prime: number): boolean[] {
  const powers = Array<boolean>(prime).fill(false);
  for (let x = 1; !powers[x]; x = (x * 65537) % prime) powers[x] = true;
  return powers;
}

/** Odd primes for which 65537 does not generate all residues, so that membership says something: 17 of them. */
export const rocaPrimes: readonly { readonly prime: number; readonly powers: readonly boolean[] }[] =
  primesUpTo(LARGEST_ROCA_PRIME)
    .slice(1)
    .map((prime) => ({ prime, powers: powersOf65537(prime) }))
    .filter(({ prime, powers }) => powers.filter(Boolean).length < prime - 1);

const rocaGroups = groupPrimes(rocaPrimes.map(({ prime }) => prime));
const rocaPowers: ReadonlyMap<number, readonly boolean[]> = new Map(
  rocaPrimes.map(({ prime, powers }) => [prime, powers]),
);

/**
 * ROCA (CVE-2017-15361, Nemec et al., CCS 2017): Infineon's primes are k * M + (65537^a mod M), so that the modulus is a power
 * of 65537 modulo each small prime. A sound modulus looks so about once in 2^27.
 */
export function hasRocaFingerprint(modulus: bigint): boolean {
  return rocaGroups.every(({ primes, product }) => {
    const residue = Number(modulus % product);
    return primes.every((prime) => rocaPowers.get(prime)?.[residue % prime] ?? false);
  });
}

/** Small moduli by which to see that a number is no square: together they let 1 in 3,000 pass. */
const sieve = [64, 63, 65, 11, 17, 19, 23, 29, 31].map((modulus) => ({
  modulus,
  squares: squaresModulo(modulus),
}));
/** 2^44: sums of residues stay exact Numbers. */
const sieveProduct = sieve.reduce((product, { modulus }) => product * modulus, 1);

function squaresModulo(modulus: number): readonly boolean[] {
  const squares = Array<boolean>(modulus).fill(false);
  for (let x = 0; x < modulus; x += 1) squares[(x * x) % modulus] = true;
  return squares;
}

/**
 * Fermat's method for 100 rounds: finds the factors when they share about their upper half (CVE-2022-26320).
 * n = a^2 - b^2 for a from ceil(sqrt(n)) on. The residues of b^2 step from round to round as small Numbers, and tell
 * nearly always that it is no square; BigInt is for the rare rest.
 */
export function fermatFactorable(modulus: bigint): boolean {
  const root = squareRoot(modulus);
  if (root * root === modulus) return true;
  const first = root + 1n;
  const start = first * first - modulus;
  let residue = Number(start % BigInt(sieveProduct));
  let increment = Number((2n * first + 1n) % BigInt(sieveProduct));
  for (let round = 0; round < FERMAT_ROUNDS; round += 1) {
    if (mayBeSquare(residue) && isSquare(start + BigInt(round) * (2n * first + BigInt(round)))) return true;
    residue = (residue + increment) % sieveProduct;
    increment = (increment + 2) % sieveProduct;
  }
  return false;
}

function mayBeSquare(residue: number): boolean {
  return sieve.every(({ modulus, squares }) => squares[residue % modulus]);
}

function isSquare(n: bigint): boolean {
  const root = squareRoot(n);
  return root * root === n;
}

/** floor(sqrt(n)) by Newton's method, from above, doubling the exact digits in each step. */
function squareRoot(n: bigint): bigint {
  if (n < 2n) return n;
  const bits = n.toString(16).length * 4;
  // The leading 100 bits or so, of which Math.sqrt gives 52 right, rounded up to stay above the root.
  const shift = BigInt(Math.max(0, (bits - 100) & ~1));
  let root = (BigInt(Math.ceil(Math.sqrt(Number(n >> shift)) * (1 + 2 ** -50))) + 1n) << (shift / 2n);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
