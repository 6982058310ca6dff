import { hash } from 'node:crypto';
import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { contextConstructed, contextPrimitive, tag } from '../encoding/tag.ts';
import type { CertificateRecord } from '../store/certificates.ts';
import { readExistingExtensions } from '../x509/extension-reader.ts';
import { extensionOid } from '../x509/extensions.ts';
import { formatGeneralName, readExistingGeneralNames } from '../x509/general-name.ts';
import { commonNameOf, formatName, type Name, readExistingName } from '../x509/name.ts';
import type { Signed } from '../x509/signed.ts';
import { readSigned } from '../x509/signed-reader.ts';
import { readTime } from '../x509/time.ts';
import { foreignSerialOf } from './foreign-serial.ts';
import { malformedOr } from './import-problem.ts';

const CODE = 'certificate-malformed';

/** A certificate that somebody else has made, as far as it is recorded. */
export interface ForeignCertificate
  extends Signed,
    Pick<
      CertificateRecord,
      | 'serial'
      | 'subject'
      | 'commonName'
      | 'sans'
      | 'notBefore'
      | 'notAfter'
      | 'spkiSha256'
      | 'der'
      | 'fingerprint'
    > {
  readonly issuer: Name;
  /** SubjectPublicKeyInfo DER. */
  readonly spki: Buffer;
}

/**
 * Reads what is needed to find and to revoke it, and nothing else: a weak key, an unknown algorithm or an odd extension is no reason
 * that it could not be revoked. The frame is strict DER. Throws `ImportProblem`.
 */
export function readForeignCertificate(octets: Buffer): ForeignCertificate {
  try {
    const { der, ...signed } = readSigned(octets);
    const tbs = new DerReader(signed.tbs).sequence();
    if (tbs.peek() === contextConstructed(0)) tbs.content(contextConstructed(0));
    const serial = foreignSerialOf(tbs.integerContent());
    // RFC 5280 4.1.1.2: the two are the same; else one of them is not covered by the signature.
    if (!tbs.element(tag.sequence).equals(signed.signatureAlgorithm))
      throw new DerError('The signature algorithms inside and outside differ', 0);
    const issuer = readExistingName(tbs.element(tag.sequence), 'certificate.issuer', CODE);
    const validity = tbs.sequence();
    const notBefore = readTime(validity);
    const notAfter = readTime(validity);
    const subject = tbs.element(tag.sequence);
    const spki = tbs.element(tag.sequence);
    return {
      ...signed,
      ...{ der, serial, issuer, notBefore, notAfter, spki, sans: readSans(tbs) },
      ...describeSubject(subject),
      spkiSha256: hash('sha256', spki, 'buffer'),
      fingerprint: hash('sha256', der, 'hex'),
    };
  } catch (error) {
    throw malformedOr(error, 'The certificate is not well formed');
  }
}

/** In RFC 4514's form, or as hex where it is no name that we can read. */
function describeSubject(der: Buffer): Pick<CertificateRecord, 'subject' | 'commonName'> {
  const name = orUndefined(() => readExistingName(der, 'certificate.subject', CODE));
  if (name === undefined) return { subject: `#${der.toString('hex')}`, commonName: null };
  const commonName = commonNameOf(name);
  // PostgreSQL keeps no NUL, and no other control character says who somebody is.
  return { subject: formatName(name), commonName: isPlain(commonName) ? commonName : null };
}

function isPlain(text: string | undefined): text is string {
  return text !== undefined && text !== '' && !/\p{Cc}/u.test(text);
}

/** Longer ones do not fit into the index that finds them. */
const longestSan = 1_000;

function readSans(tbs: DerReader): string[] {
  const names = orUndefined(() => {
    for (const n of [1, 2]) if (tbs.peek() === contextPrimitive(n)) tbs.content(contextPrimitive(n));
    const extensions = readExistingExtensions(tbs.constructed(contextConstructed(3)).sequence());
    const san = extensions.find(({ oid }) => oid === extensionOid.subjectAltName);
    return san && readExistingGeneralNames(san.value, 'certificate.extensions.subjectAltName', CODE);
  });
  return (names ?? []).map(formatGeneralName).filter((name) => isPlain(name) && name.length <= longestSan);
}

/** Only what a reader refuses. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    malformedOr(error, '');
    return undefined;
  }
}
