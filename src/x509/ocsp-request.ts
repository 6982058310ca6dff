import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { contextConstructed, tag } from '../encoding/tag.ts';
import { readField } from './der-field.ts';
import { type Extension, readExistingExtensions } from './extension-reader.ts';
import { X509Error } from './x509-error.ts';

const CODE = 'ocsp-malformed';
const FIELD = 'ocspRequest';

/** id-pkix-ocsp-nonce */
export const ocspNonceOid = '1.3.6.1.5.5.7.48.1.2';

/** RFC 9654 2.1: more is to be refused, and so is none. */
const maxNonceOctets = 128;

/** More certificates than a chain has; bounds what one request can ask of us. */
export const maxCertIds = 20;

/** Which certificate is meant (RFC 6960 4.1.1). Buffers are views. */
export interface OcspCertId {
  /** The whole CertID: a response repeats it octet for octet. */
  readonly der: Buffer;
  /** OID. */
  readonly hashAlgorithm: string;
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  /** Lower-case hex, as `Certificate.serial`; undefined for a negative number, which nothing of ours has. */
  readonly serial: string | undefined;
}

export interface OcspRequest {
  /** At least one, at most `maxCertIds`. */
  readonly certIds: readonly OcspCertId[];
  /** What the extension holds, an OCTET STRING, or the octets themselves as old clients write them: a response repeats it. */
  readonly nonce?: Buffer;
}

/**
 * Reads an OCSPRequest (RFC 6960 4.1.1) in DER. A signature is read over: who asks does not matter here (4.1.2 leaves it to the
 * responder). Extensions that are not known are ignored, unless they are critical (4.4).
 * @param options.nonce false: nonces are read over, whatever they are
 * @throws X509Error ocsp-malformed
 */
export function readOcspRequest(der: Uint8Array, { nonce } = { nonce: true }): OcspRequest {
  return readField(CODE, FIELD, () => {
    const outer = new DerReader(der);
    const request = outer.sequence();
    outer.finish();
    const tbs = request.sequence();
    // optionalSignature
    if (!request.atEnd) readOver(request.constructed(contextConstructed(0)));
    request.finish();
    return readTbsRequest(tbs, nonce);
  });
}

function readTbsRequest(tbs: DerReader, wantsNonce: boolean): OcspRequest {
  readVersion(tbs);
  // requestorName
  if (tbs.peek() === contextConstructed(1)) readOver(tbs.constructed(contextConstructed(1)));
  const certIds = readList(tbs.sequence());
  const extensions = readOptionalExtensions(tbs, 2, wantsNonce);
  tbs.finish();
  const nonce = extensions.find(({ oid }) => oid === ocspNonceOid);
  return nonce === undefined ? { certIds } : { certIds, nonce: checkNonce(nonce.value) };
}

/** DEFAULT v1 (0), which DER leaves out and some clients write. */
function readVersion(tbs: DerReader): void {
  if (tbs.peek() !== contextConstructed(0)) return;
  const explicit = tbs.constructed(contextConstructed(0));
  const version = explicit.smallInteger();
  explicit.finish();
  if (version !== 0) throw new DerError('The version is not 1', 0);
}

/** One element that nothing here depends on. */
function readOver(explicit: DerReader): void {
  explicit.element();
  explicit.finish();
}

function readList(list: DerReader): OcspCertId[] {
  const certIds: OcspCertId[] = [];
  do {
    if (certIds.length === maxCertIds)
      throw new DerError(`More than ${maxCertIds} certificates are asked for`, 0);
    const single = list.sequence();
    certIds.push(readCertId(single.element(tag.sequence)));
    readOptionalExtensions(single, 0);
    single.finish();
  } while (!list.atEnd);
  return certIds;
}

function readCertId(der: Buffer): OcspCertId {
  const certId = new DerReader(der).sequence();
  const algorithm = certId.sequence();
  const hashAlgorithm = algorithm.oid();
  // Both are in use (RFC 5754 section 2). Nothing else, so that a certificate has few CertIDs.
  if (!algorithm.atEnd) algorithm.null();
  algorithm.finish();
  const issuerNameHash = certId.octetString();
  const issuerKeyHash = certId.octetString();
  const serial = certId.integerContent();
  certId.finish();
  return { der, hashAlgorithm, issuerNameHash, issuerKeyHash, serial: serialOf(serial) };
}

function serialOf(content: Buffer): string | undefined {
  const first = content[0] ?? 0;
  if (first & 0x80) return undefined;
  return (first === 0 && content.length > 1 ? content.subarray(1) : content).toString('hex');
}

/** `[n] EXPLICIT Extensions OPTIONAL`, without nonces where they are not wanted. */
function readOptionalExtensions(from: DerReader, n: number, wantsNonce = true): Extension[] {
  if (from.atEnd) return [];
  const explicit = from.constructed(contextConstructed(n));
  const all = readExistingExtensions(explicit.sequence());
  explicit.finish();
  const extensions = wantsNonce ? all : all.filter(({ oid }) => oid !== ocspNonceOid);
  if (new Set(extensions.map(({ oid }) => oid)).size < extensions.length)
    throw new DerError('An extension stands twice', 0);
  const unknown = extensions.find(({ oid, critical }) => critical && oid !== ocspNonceOid);
  if (unknown === undefined) return extensions;
  throw new X509Error(CODE, `${FIELD}: the critical extension ${unknown.oid} is not understood`, FIELD);
}

function checkNonce(value: Buffer): Buffer {
  const length = wrappedLength(value) ?? value.length;
  if (length === 0 || length > maxNonceOctets) {
    throw new DerError(`A nonce has 1 to ${maxNonceOctets} octets`, 0);
  }
  return value;
}

/** Octets inside of the OCTET STRING; undefined where it is none: before RFC 6960 said what a nonce is, it was any octets. */
function wrappedLength(value: Buffer): number | undefined {
  try {
    const reader = new DerReader(value);
    const { length } = reader.octetString();
    reader.finish();
    return length;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
