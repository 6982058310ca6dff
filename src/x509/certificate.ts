import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { contextConstructed, contextPrimitive, tag } from '../encoding/tag.ts';
import { readField } from './der-field.ts';
import {
  type Extension,
  readAuthorityKeyIdentifier,
  readBasicConstraints,
  readExtensions,
  readKeyUsage,
  readSubjectKeyIdentifier,
} from './extension-reader.ts';
import { type BasicConstraints, extensionOid, type KeyUsage } from './extensions.ts';
import { type Name, readName } from './name.ts';
import { readSubjectPublicKeyInfo, type SubjectPublicKeyInfo } from './public-key.ts';
import type { Signed } from './signed.ts';
import { readSigned } from './signed-reader.ts';
import { readTime } from './time.ts';

export type { Extension } from './extension-reader.ts';

const CODE = 'certificate-malformed';

export interface Certificate extends Signed {
  readonly der: Buffer;
  /** Lower-case hex of the octets, without the zero octet that only keeps the INTEGER positive. */
  readonly serial: string;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: SubjectPublicKeyInfo;
  readonly basicConstraints?: BasicConstraints;
  readonly keyUsage?: readonly KeyUsage[];
  readonly subjectKeyId?: Buffer;
  /** keyIdentifier of AuthorityKeyIdentifier. */
  readonly authorityKeyId?: Buffer;
  readonly extensions: readonly Extension[];
}

/** Reads an X.509 certificate (v1 or v3) without checking its signature. Throws `X509Error` certificate-malformed, key-…. */
export function readCertificate(der: Uint8Array): Certificate {
  return readField(CODE, 'certificate', () => {
    const signed = readSigned(der);
    const tbs = new DerReader(signed.tbs).sequence();
    const version = readVersion(tbs);
    // Zero, which RFC 5280 4.1.2.2 asks users to handle: roots in use have it.
    const serial = tbs.unsignedInteger().toString('hex');
    // RFC 5280 4.1.1.2: the two are the same; else one of them is not covered by the signature.
    if (!tbs.element(tag.sequence).equals(signed.signatureAlgorithm)) {
      throw new DerError('The signature algorithms inside and outside differ', 0);
    }
    const issuer = readName(tbs.element(tag.sequence), 'certificate.issuer', CODE);
    const validity = tbs.sequence();
    const notBefore = readTime(validity);
    const notAfter = readTime(validity);
    validity.finish();
    const subject = readName(tbs.element(tag.sequence), 'certificate.subject', CODE);
    const publicKey = readSubjectPublicKeyInfo(tbs.element(tag.sequence), 'certificate.publicKey');
    const extensions = readTail(tbs, version);
    const known = readKnownExtensions(extensions);
    return { ...signed, serial, issuer, subject, notBefore, notAfter, publicKey, extensions, ...known };
  });
}

/** DEFAULT v1 (0), which DER leaves out. */
function readVersion(tbs: DerReader): number {
  if (tbs.peek() !== contextConstructed(0)) return 0;
  const explicit = tbs.constructed(contextConstructed(0));
  const version = explicit.smallInteger();
  explicit.finish();
  if (version !== 1 && version !== 2) throw new DerError('The version is not 1, 2 or 3', 0);
  return version;
}

/** Unique identifiers (read over) and extensions. */
function readTail(tbs: DerReader, version: number): Extension[] {
  for (const n of [1, 2]) {
    if (tbs.peek() === contextPrimitive(n)) tbs.content(contextPrimitive(n));
  }
  if (tbs.atEnd) return [];
  const explicit = tbs.constructed(contextConstructed(3));
  tbs.finish();
  if (version !== 2) throw new DerError('Extensions stand in a certificate that is not v3', 0);
  const extensions = readExtensions(explicit.sequence(), 'certificate.extensions', CODE);
  explicit.finish();
  return extensions;
}

type KnownExtensions = Pick<Certificate, 'basicConstraints' | 'keyUsage' | 'subjectKeyId' | 'authorityKeyId'>;

function readKnownExtensions(extensions: readonly Extension[]): KnownExtensions {
  const read = <T>(
    label: keyof typeof extensionOid,
    reader: (value: Buffer, field: string, code: typeof CODE) => T,
  ): T | undefined => {
    const extension = extensions.find(({ oid }) => oid === extensionOid[label]);
    return extension && reader(extension.value, `certificate.extensions.${label}`, CODE);
  };
  const basicConstraints = read('basicConstraints', readBasicConstraints);
  const keyUsage = read('keyUsage', readKeyUsage);
  const subjectKeyId = read('subjectKeyIdentifier', readSubjectKeyIdentifier);
  const authorityKeyId = read('authorityKeyIdentifier', readAuthorityKeyIdentifier);
  return {
    ...(basicConstraints && { basicConstraints }),
    ...(keyUsage && { keyUsage }),
    ...(subjectKeyId && { subjectKeyId }),
    ...(authorityKeyId && { authorityKeyId }),
  };
}
