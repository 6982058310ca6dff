import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  tlv,
} from '../../src/encoding/der-writer.ts';
import { assembleSigned } from '../../src/x509/certificate-template.ts';
import { parseName } from '../../src/x509/name.ts';

export const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
export const ECDSA_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');

/** Parts of a CSR to be put together by hand, well formed or not. */
export interface CsrParts {
  readonly version?: number;
  readonly subject?: Buffer;
  readonly spki?: Buffer;
  /** Attribute elements; undefined leaves `[0]` out. */
  readonly attributes?: readonly Buffer[] | undefined;
  readonly signatureAlgorithm?: Buffer;
  readonly sign?: (tbs: Buffer) => Buffer;
  /** Behind the attributes, where nothing belongs. */
  readonly trailing?: Buffer;
}

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const csrKey: KeyObject = privateKey;
export const csrSpki: Buffer = publicKey.export({ type: 'spki', format: 'der' });

/** A CSR of these parts; what is not given is right. */
export function buildCsr(parts: CsrParts): Buffer {
  const attributes = 'attributes' in parts ? parts.attributes : [];
  const tbs = sequence(
    integer(parts.version ?? 0),
    parts.subject ?? parseName('CN=device').der,
    parts.spki ?? csrSpki,
    ...(attributes ? [tlv(0xa0, ...attributes)] : []),
    ...(parts.trailing ? [parts.trailing] : []),
  );
  const signature = parts.sign ? parts.sign(tbs) : sign('sha256', tbs, csrKey);
  return assembleSigned(tbs, parts.signatureAlgorithm ?? ECDSA_SHA256, signature);
}

export function attribute(oid: string, ...values: readonly Buffer[]): Buffer {
  return sequence(objectIdentifier(oid), setOf(...values));
}

export function extensionRequest(...extensions: readonly Buffer[]): Buffer {
  return attribute(EXTENSION_REQUEST, sequence(...extensions));
}

/** Extension with a `critical` of any bytes, for those that DER forbids. */
export function extension(oid: string, value: Buffer, critical = Buffer.alloc(0)): Buffer {
  return sequence(objectIdentifier(oid), critical, octetString(value));
}
