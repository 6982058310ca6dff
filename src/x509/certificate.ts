import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { contextConstructed, contextPrimitive, tag } from '../encoding/tag.ts';
import { readField } from './der-field.ts';
import {
  type Extension,
  readAuthorityKeyIdentifier,
  readExistingBasicConstraints,
  readExistingExtensions,
  readExistingKeyUsage,
  readSubjectKeyIdentifier,
} from './extension-reader.ts';
import { type BasicConstraints, extensionOid, type KeyUsage } from './extensions.ts';
import { type Name, readExistingName } from './name.ts';
import { readSubjectPublicKeyInfo, type SubjectPublicKeyInfo } from './public-key.ts';
import type { Signed } from './signed.ts';
import { readSigned } from './signed-reader.ts';
import { readTime } from './time.ts';
import { X509Error } from './x509-error.ts';

export type { Extension } from './extension-reader.ts';

const CODE = 'certificate-malformed';

export interface Certificate extends Signed {
  readonly der: Buffer;
  /** Lower-case hex of the octets, without the zero octet that only keeps the INTEGER positive; "-…" of a negative one. */
  readonly serial: string;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo DER as it stands there. */
  readonly spki: Buffer;
  /** Read when it is first asked for: it may be one that we sign nothing for. Throws `X509Error` key-malformed, key-type-unsupported. */
  readonly publicKey: SubjectPublicKeyInfo;
  readonly basicConstraints?: BasicConstraints;
  readonly keyUsage?: readonly KeyUsage[];
  readonly subjectKeyId?: Buffer;
  /** keyIdentifier of AuthorityKeyIdentifier. */
  readonly authorityKeyId?: Buffer;
  readonly extensions: readonly Extension[];
}

/**
 * Reads a certificate that exists, whoever has made it, as OpenSSL reads it: names, extensions, serial and key need not be what
 * we would issue. An extension that decides something is there once, and well formed. The signature is not checked.
 * Throws `X509Error` certificate-malformed.
 */
export function readCertificate(der: Uint8Array): Certificate {
  return readField(CODE, 'certificate', () => {
    const signed = readSigned(der);
    const tbs = new DerReader(signed.tbs).sequence();
    readVersion(tbs);
    const serial = readSerial(tbs.integerContent());
    // RFC 5280 4.1.1.2: the two are the same; else one of them is not covered by the signature.
    if (!tbs.element(tag.sequence).equals(signed.signatureAlgorithm)) {
      throw new DerError('The signature algorithms inside and outside differ', 0);
    }
    const issuer = readExistingName(tbs.element(tag.sequence), 'certificate.issuer', CODE);
    const validity = tbs.sequence();
    const notBefore = readTime(validity);
    const notAfter = readTime(validity);
    validity.finish();
    const subject = readExistingName(tbs.element(tag.sequence), 'certificate.subject', CODE);
    const spki = tbs.element(tag.sequence);
    const extensions = readTail(tbs);
    const known = readKnownExtensions(extensions);
    return withPublicKey({
      ...signed,
      ...{ serial, issuer, subject, notBefore, notAfter, spki, extensions },
      ...known,
    });
  });
}

function withPublicKey(certificate: Omit<Certificate, 'publicKey'>): Certificate {
  let read: SubjectPublicKeyInfo | undefined;
  return {
    ...certificate,
    get publicKey() {
      read ??= readSubjectPublicKeyInfo(certificate.spki, 'certificate.publicKey');
      return read;
    },
  };
}

/** DEFAULT v1 (0), which DER leaves out and some write. OpenSSL makes nothing of what it says. */
function readVersion(tbs: DerReader): void {
  if (tbs.peek() !== contextConstructed(0)) return;
  const explicit = tbs.constructed(contextConstructed(0));
  explicit.integerContent();
  explicit.finish();
}

/** Zero and negative numbers, which RFC 5280 4.1.2.2 asks users to handle: they are in use. */
function readSerial(content: Buffer): string {
  const first = content[0] ?? 0;
  if (first & 0x80) {
    const magnitude = 2n ** BigInt(8 * content.length) - BigInt(`0x${content.toString('hex')}`);
    const hex = magnitude.toString(16);
    return `-${hex.length % 2 === 0 ? hex : `0${hex}`}`;
  }
  return (first === 0 && content.length > 1 ? content.subarray(1) : content).toString('hex');
}

/** Unique identifiers (read over) and extensions, whatever the version says: OpenSSL looks at them in each. */
function readTail(tbs: DerReader): Extension[] {
  for (const n of [1, 2]) {
    if (tbs.peek() === contextPrimitive(n)) tbs.content(contextPrimitive(n));
  }
  if (tbs.atEnd) return [];
  const explicit = tbs.constructed(contextConstructed(3));
  tbs.finish();
  const extensions = readExistingExtensions(explicit.sequence());
  explicit.finish();
  return extensions;
}

type KnownExtensions = Pick<Certificate, 'basicConstraints' | 'keyUsage' | 'subjectKeyId' | 'authorityKeyId'>;

/** What OpenSSL reads of every certificate: standing twice, it could be read in two ways, and makes the whole invalid. */
const readByAll = [
  'basicConstraints',
  'keyUsage',
  'extendedKeyUsage',
  'subjectAltName',
  'subjectKeyIdentifier',
  'authorityKeyIdentifier',
  'nameConstraints',
  'crlDistributionPoints',
  'netscapeCertType',
  'proxyCertInfo',
] as const;

function readKnownExtensions(extensions: readonly Extension[]): KnownExtensions {
  for (const label of readByAll) {
    if (extensions.filter(({ oid }) => oid === extensionOid[label]).length < 2) continue;
    const path = `certificate.extensions.${label}`;
    throw new X509Error(CODE, `${path}: the extension stands twice`, path);
  }
  const read = <T>(
    label: keyof typeof extensionOid,
    reader: (value: Buffer, field: string, code: typeof CODE) => T,
  ): T | undefined => {
    const extension = extensions.find(({ oid }) => oid === extensionOid[label]);
    return extension && reader(extension.value, `certificate.extensions.${label}`, CODE);
  };
  const basicConstraints = read('basicConstraints', readExistingBasicConstraints);
  const keyUsage = read('keyUsage', readExistingKeyUsage);
  const subjectKeyId = read('subjectKeyIdentifier', readSubjectKeyIdentifier);
  const authorityKeyId = read('authorityKeyIdentifier', readAuthorityKeyIdentifier);
  return {
    ...(basicConstraints && { basicConstraints }),
    ...(keyUsage && { keyUsage }),
    ...(subjectKeyId && { subjectKeyId }),
    ...(authorityKeyId && { authorityKeyId }),
  };
}
