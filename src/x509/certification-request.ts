import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { decodePem, PemError } from '../encoding/pem.ts';
import { contextConstructed, tag } from '../encoding/tag.ts';
import { readField } from './der-field.ts';
import { type Extension, readExtensions } from './extension-reader.ts';
import { extensionOid } from './extensions.ts';
import { type GeneralName, readGeneralNames } from './general-name.ts';
import { checkNameBounds, type Name, readName } from './name.ts';
import { readSubjectPublicKeyInfo, type SubjectPublicKeyInfo } from './public-key.ts';
import { type Signed, verifySigned } from './signed.ts';
import { readSigned } from './signed-reader.ts';
import { X509Error } from './x509-error.ts';

/** 32 KiB: an RSA-8192 request with a hundred names is under 8 KiB. */
export const MAX_CSR_BYTES = 32 * 1024;

/** RFC 7468 section 7 and its older label. */
const PEM_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']);

/** extensionRequest (RFC 2985 section 5.4.2), and Microsoft's certExtensions, which is the same under an older OID. */
const EXTENSION_REQUESTS: ReadonlySet<string> = new Set(['1.2.840.113549.1.9.14', '1.3.6.1.4.1.311.2.1.14']);

/** Attributes at most: clients send a handful, and each is named in the answer. */
const MAX_ATTRIBUTES = 64;

/** Attributes that clients are known to send, by their names. */
const attributeNames: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.9.2', 'unstructuredName'],
  ['1.2.840.113549.1.9.7', 'challengePassword'],
  ['1.2.840.113549.1.9.8', 'unstructuredAddress'],
  ['1.3.6.1.4.1.311.13.2.2', 'enrollmentCSP'],
  ['1.3.6.1.4.1.311.13.2.3', 'osVersion'],
  ['1.3.6.1.4.1.311.21.20', 'clientInformation'],
]);

export type RequestedExtension = Extension;

/** A PKCS #10 CertificationRequest (RFC 2986). */
export interface CertificationRequest extends Signed {
  readonly der: Buffer;
  readonly subject: Name;
  readonly publicKey: SubjectPublicKeyInfo;
  /** From extensionRequest (RFC 2985 5.4.2), in the CSR's order; no OID twice. */
  readonly extensions: readonly RequestedExtension[];
  /**
   * Every other attribute, once each, by name or dotted OID: "challengePassword", "unstructuredName", … Their values are never
   * read: a challengePassword is a secret.
   */
  readonly otherAttributes: readonly string[];
}

/**
 * The DER in a request body: DER itself, or exactly one PEM block CERTIFICATE REQUEST or NEW CERTIFICATE REQUEST.
 * Throws `X509Error` csr-too-large above 32 KiB (before anything is read), csr-malformed.
 */
export function csrDerFromBytes(body: Uint8Array): Buffer {
  if (body.length > MAX_CSR_BYTES) {
    throw new X509Error(
      'csr-too-large',
      `The CSR has ${body.length} bytes, more than ${MAX_CSR_BYTES}`,
      'csr',
    );
  }
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  // A SEQUENCE of more than 127 octets; as text it would be "0" and a byte outside of ASCII.
  if (bytes[0] === tag.sequence && (bytes[1] ?? 0) >= 0x80) return bytes;
  const [block, ...others] = decodeCsrPem(bytes.toString('latin1'));
  if (block === undefined || others.length > 0 || !PEM_LABELS.has(block.label)) {
    throw malformed('The CSR is neither DER nor one PEM block "CERTIFICATE REQUEST"', 'csr');
  }
  return block.der;
}

function decodeCsrPem(text: string): ReturnType<typeof decodePem> {
  try {
    return decodePem(text);
  } catch (error) {
    if (error instanceof PemError) throw malformed(error.message, 'csr', error);
    throw error;
  }
}

/** Reads a CSR without checking its signature. Throws `X509Error` naming the field. */
export function readCertificationRequest(der: Uint8Array): CertificationRequest {
  const signed = readField('csr-malformed', 'csr', () => readSigned(der));
  const info = new DerReader(signed.tbs).sequence();
  readField('csr-malformed', 'csr.version', () => {
    if (info.smallInteger() !== 0) throw new DerError('The version is not 0', 0);
  });
  const subject = readName(elementOf(info, 'csr.subject'), 'csr.subject', 'csr-malformed');
  checkNameBounds(subject, 'csr.subject', 'csr-malformed');
  const publicKey = readSubjectPublicKeyInfo(elementOf(info, 'csr.publicKey'), 'csr.publicKey');
  const attributes = readField('csr-malformed', 'csr.attributes', () => readAttributes(info));
  return { ...signed, subject, publicKey, ...attributes };
}

function elementOf(info: DerReader, field: string): Buffer {
  return readField('csr-malformed', field, () => info.element(tag.sequence));
}

/**
 * `[0] IMPLICIT SET OF Attribute`. Its order is not checked, since many clients do not sort it and nothing of it is copied;
 * its absence is taken as empty, as OpenSSL does.
 */
function readAttributes(info: DerReader): Pick<CertificationRequest, 'extensions' | 'otherAttributes'> {
  const otherAttributes = new Set<string>();
  let extensions: Extension[] | undefined;
  const attributes = info.atEnd ? undefined : info.constructed(contextConstructed(0));
  info.finish();
  for (let count = 1; attributes !== undefined && !attributes.atEnd; count += 1) {
    if (count > MAX_ATTRIBUTES) throw new DerError(`There are more than ${MAX_ATTRIBUTES} attributes`, 0);
    const attribute = attributes.sequence();
    const type = attribute.oid();
    const values = attribute.constructed(tag.set);
    attribute.finish();
    if (!EXTENSION_REQUESTS.has(type)) {
      otherAttributes.add(attributeNames.get(type) ?? type);
    } else if (extensions === undefined) {
      extensions = readExtensionRequest(values);
    } else {
      throw malformed('csr.extensions: the attribute extensionRequest stands twice', 'csr.extensions');
    }
  }
  return { extensions: extensions ?? [], otherAttributes: [...otherAttributes] };
}

/** RFC 2985 5.4.2: SINGLE VALUE. */
function readExtensionRequest(values: DerReader): Extension[] {
  return readField('csr-malformed', 'csr.extensions', () => {
    const extensions = readExtensions(values.sequence(), 'csr.extensions', 'csr-malformed');
    values.finish();
    return extensions;
  });
}

/** The subjectAltName that the CSR asks for, read; undefined when it asks for none. Throws `X509Error` san-malformed. */
export function requestedSubjectAltNames(
  csr: CertificationRequest,
): { readonly names: readonly GeneralName[]; readonly extension: RequestedExtension } | undefined {
  const extension = csr.extensions.find(({ oid }) => oid === extensionOid.subjectAltName);
  if (extension === undefined) return undefined;
  return { names: readGeneralNames(extension.value, 'csr.extensions.subjectAltName'), extension };
}

/**
 * Checks on the thread pool that the CSR is signed by the key it carries. Rejects with `X509Error` csr-signature-invalid, or
 * csr-signature-unsupported for anything but SHA-2 (no MD5, no SHA-1). Call `checkPublicKey` before: it bounds the cost.
 */
export async function verifyCertificationRequest(csr: CertificationRequest): Promise<void> {
  const field = 'csr.signatureAlgorithm';
  if (await verifySigned(csr, csr.publicKey, field, 'csr-signature-unsupported')) return;
  throw new X509Error(
    'csr-signature-invalid',
    'csr.signature: the CSR is not signed by its key',
    'csr.signature',
  );
}

function malformed(message: string, field: string, cause?: unknown): X509Error {
  return new X509Error('csr-malformed', message, field, cause);
}
