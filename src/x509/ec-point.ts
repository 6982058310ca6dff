import type { CurveName } from './public-key.ts';

interface Curve {
  /** Octets of a coordinate. */
  readonly octets: number;
  readonly p: bigint;
  readonly b: bigint;
}

/** y^2 = x^3 - 3x + b modulo p (SP 800-186 3.2.1). The cofactor is 1: every point but infinity has full order. */
const curves: Readonly<Record<CurveName, Curve>> = {
  'P-256': {
    octets: 32,
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  'P-384': {
    octets: 48,
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
  'P-521': {
    octets: 66,
    p: 2n ** 521n - 1n,
    b: 0x051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
  },
};

/**
 * The problem with an ECPoint (SEC 1 2.3.4), or undefined: uncompressed, coordinates below p, on the curve. Some ten
 * times cheaper than to have OpenSSL make a key only to see this.
 */
export function ecPointProblem(name: CurveName, point: Buffer): string | undefined {
  const { octets, p, b } = curves[name];
  if (point[0] === 0) return 'The point is at infinity';
  if (point[0] !== 4 || point.length !== 1 + 2 * octets) return 'The point is not in uncompressed form';
  const x = BigInt(`0x${point.toString('hex', 1, 1 + octets)}`);
  const y = BigInt(`0x${point.toString('hex', 1 + octets)}`);
  if (x >= p || y >= p) return 'A coordinate of the point is not below the prime of the field';
  if ((y * y - (x * x - 3n) * x - b) % p !== 0n) return 'The point is not on the curve';
  return undefined;
}
