import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { contextConstructed, tag } from '../encoding/tag.ts';
import { type PartialCrl, readCrlNumber, readPartialExtensions } from './crl-partial.ts';
import { readField } from './der-field.ts';
import { type Extension, readAuthorityKeyIdentifier, readExtensions } from './extension-reader.ts';
import { extensionLabel, extensionOid } from './extensions.ts';
import { type Name, readExistingName } from './name.ts';
import { deltaReasonOfCode, type EntryReason, reasonOfCode } from './revocation-reason.ts';
import type { Signed } from './signed.ts';
import { readSigned } from './signed-reader.ts';
import { readTime } from './time.ts';
import { X509Error } from './x509-error.ts';

const CODE = 'crl-malformed';

export interface CrlEntry {
  /** Lower-case hex of the octets. */
  readonly serial: string;
  readonly revocationDate: Date;
  /** removeFromCRL in a delta CRL only. */
  readonly reason?: EntryReason;
}

export interface CertificateRevocationList extends Signed, PartialCrl {
  readonly der: Buffer;
  readonly issuer: Name;
  readonly crlNumber: bigint;
  readonly authorityKeyId?: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Content of revokedCertificates; empty when that is absent. */
  readonly revoked: Buffer;
  /** Reads the entries one by one from the bytes; linear, and again from the start with each call. Throws as `readCrl`. */
  entries(): Iterable<CrlEntry>;
}

export interface ReadCrlOptions {
  /**
   * The caller looks at `deltaBase` and `scope`: whoever takes a delta or a part of a CRL for the whole of it would take
   * revoked certificates for good ones, which is why these extensions are critical. Default: such CRLs are refused.
   */
  readonly partial?: boolean;
}

/** Reads a v2 CRL with CRLNumber and nextUpdate, without checking its signature. Throws `X509Error` crl-malformed. */
export function readCrl(der: Uint8Array, options: ReadCrlOptions = {}): CertificateRevocationList {
  return readField(CODE, 'crl', () => {
    const signed = readSigned(der);
    const tbs = new DerReader(signed.tbs).sequence();
    if (tbs.smallInteger() !== 1) throw new DerError('The version is not 2', 0);
    if (!tbs.element(tag.sequence).equals(signed.signatureAlgorithm)) {
      throw new DerError('The signature algorithms inside and outside differ', 0);
    }
    const issuer = readExistingName(tbs.element(tag.sequence), 'crl.issuer', CODE);
    const thisUpdate = readTime(tbs);
    const nextUpdate = readTime(tbs);
    const revoked = tbs.peek() === tag.sequence ? tbs.content(tag.sequence) : Buffer.alloc(0);
    const explicit = tbs.constructed(contextConstructed(0));
    tbs.finish();
    const extensions = readExtensions(explicit.sequence(), 'crl.extensions', CODE);
    explicit.finish();
    const read = readCrlExtensions(extensions, options.partial === true);
    return {
      ...signed,
      ...read,
      issuer,
      thisUpdate,
      nextUpdate,
      revoked,
      entries: () => readEntries(revoked, read.deltaBase !== undefined),
    };
  });
}

const partialOids: readonly string[] = [
  extensionOid.deltaCrlIndicator,
  extensionOid.issuingDistributionPoint,
];
const understoodCritical: readonly string[] = [extensionOid.crlNumber, extensionOid.reasonCode];
const understoodPartial: readonly string[] = [...understoodCritical, ...partialOids];

function readCrlExtensions(
  extensions: readonly Extension[],
  partial: boolean,
): Pick<CertificateRevocationList, 'crlNumber' | 'authorityKeyId'> & PartialCrl {
  const number = extensions.find(({ oid }) => oid === extensionOid.crlNumber);
  if (number === undefined) throw new DerError('The CRL has no CRLNumber', 0);
  refuseCritical(extensions, partial ? understoodPartial : understoodCritical);
  const part = partial ? undefined : extensions.find(({ oid }) => partialOids.includes(oid));
  if (part !== undefined) throw notUnderstood(part);
  const keyId = extensions.find(({ oid }) => oid === extensionOid.authorityKeyIdentifier);
  const authorityKeyId =
    keyId && readAuthorityKeyIdentifier(keyId.value, 'crl.extensions.authorityKeyIdentifier', CODE);
  return {
    crlNumber: readCrlNumber(number.value),
    ...(authorityKeyId && { authorityKeyId }),
    ...readPartialExtensions(extensions),
  };
}

/** A critical extension that is not understood makes the whole CRL unusable (RFC 5280 5.2, 5.3). */
function refuseCritical(extensions: readonly Extension[], understood: readonly string[]): void {
  const unknown = extensions.find(({ oid, critical }) => critical && !understood.includes(oid));
  if (unknown !== undefined) throw notUnderstood(unknown);
}

function notUnderstood({ oid }: Extension): X509Error {
  const field = `crl.extensions.${extensionLabel(oid)}`;
  return new X509Error(CODE, `${field}: a critical extension is not understood`, field);
}

function* readEntries(revoked: Buffer, delta: boolean): Generator<CrlEntry> {
  const list = new DerReader(revoked);
  while (!list.atEnd)
    yield readField(CODE, 'crl.revokedCertificates', () => readEntry(list.sequence(), delta));
}

function readEntry(entry: DerReader, delta: boolean): CrlEntry {
  const serial = entry.unsignedInteger().toString('hex');
  const revocationDate = readTime(entry);
  if (entry.atEnd) return { serial, revocationDate };
  const extensions = readExtensions(entry.sequence(), 'crl.revokedCertificates', CODE);
  entry.finish();
  refuseCritical(extensions, understoodCritical);
  const code = extensions.find(({ oid }) => oid === extensionOid.reasonCode);
  return code
    ? { serial, revocationDate, reason: readReason(code.value, delta) }
    : { serial, revocationDate };
}

function readReason(value: Buffer, delta: boolean): EntryReason {
  const reader = new DerReader(value);
  const code = reader.smallInteger(tag.enumerated);
  reader.finish();
  const reason = delta ? deltaReasonOfCode(code) : reasonOfCode(code);
  if (reason === undefined) throw new DerError(`The reason code ${code} is not supported`, 0);
  return reason;
}
