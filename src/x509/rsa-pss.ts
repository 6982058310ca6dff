import { DerReader } from '../encoding/der-reader.ts';
import { contextConstructed } from '../encoding/tag.ts';

const RSASSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';
const SHA2: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

export interface PssScheme {
  readonly digest: string;
  readonly saltLength: number;
}

/**
 * RSASSA-PSS-params (RFC 4055 3.1) of an AlgorithmIdentifier; undefined when it is another algorithm or not accepted: the
 * defaults are SHA-1, and RFC 4055 recommends one hash for the message and for MGF1. Throws `DerError`.
 */
export function readPssScheme(algorithmIdentifier: Buffer): PssScheme | undefined {
  const algorithm = new DerReader(algorithmIdentifier).sequence();
  if (algorithm.oid() !== RSASSA_PSS) return undefined;
  const parameters = algorithm.sequence();
  algorithm.finish();
  const digest = parameters.peek() === contextConstructed(0) ? explicit(parameters, 0, readHash) : undefined;
  const mask = parameters.peek() === contextConstructed(1) ? explicit(parameters, 1, readMask) : undefined;
  if (digest === undefined || mask !== digest) return undefined;
  // DER leaves out the defaults: a salt of 20 octets, and the one value that the trailer field has. Some write them.
  const saltLength = readNumber(parameters, 2) ?? 20;
  const trailer = readNumber(parameters, 3) ?? 1;
  parameters.finish();
  if (trailer !== 1) return undefined;
  return saltLength <= 64 ? { digest, saltLength } : undefined;
}

function explicit<T>(parameters: DerReader, n: number, read: (reader: DerReader) => T): T {
  const reader = parameters.constructed(contextConstructed(n));
  const value = read(reader);
  reader.finish();
  return value;
}

function readNumber(parameters: DerReader, n: number): number | undefined {
  if (parameters.peek() !== contextConstructed(n)) return undefined;
  return explicit(parameters, n, (reader) => reader.smallInteger());
}

/** HashAlgorithm: NULL parameters, or none (RFC 4055 2.1 takes both). */
function readHash(reader: DerReader): string | undefined {
  const algorithm = reader.sequence();
  const oid = algorithm.oid();
  if (!algorithm.atEnd) algorithm.null();
  algorithm.finish();
  return SHA2[oid];
}

function readMask(reader: DerReader): string | undefined {
  const algorithm = reader.sequence();
  if (algorithm.oid() !== MGF1) return undefined;
  const digest = readHash(algorithm);
  algorithm.finish();
  return digest;
}
