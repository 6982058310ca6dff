import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { contextConstructed, contextPrimitive, tag } from '../encoding/tag.ts';
import { readCrlNumber } from '../x509/crl-partial.ts';
import { type Extension, readExtensions } from '../x509/extension-reader.ts';
import { extensionOid } from '../x509/extensions.ts';
import { type Name, readExistingName, sameName } from '../x509/name.ts';
import { deltaReasonOfCode, type EntryReason } from '../x509/revocation-reason.ts';
import type { Signed } from '../x509/signed.ts';
import { readSigned } from '../x509/signed-reader.ts';
import { readTime } from '../x509/time.ts';
import { foreignSerialOf } from './foreign-serial.ts';
import { ImportProblem, malformedOr } from './import-problem.ts';

/** A CRL that somebody else has made: also one without a number or nextUpdate, as `openssl ca` makes them unless told. */
export interface ForeignCrl extends Signed {
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly crlNumber?: bigint;
  /** Content of revokedCertificates. */
  readonly revoked: Buffer;
}

const CODE = 'crl-malformed';

/** Nobody's are as large, and they are read at once, before it is known who has signed them. */
const mostExtensionOctets = 64 * 1024;

/** Reads everything but the entries. Throws `ImportProblem` malformed, crl-unsupported. */
export function readForeignCrl(octets: Buffer): ForeignCrl {
  try {
    const { der: _, ...signed } = readSigned(octets);
    const tbs = new DerReader(signed.tbs).sequence();
    if (tbs.peek() === tag.integer) tbs.smallInteger();
    if (!tbs.element(tag.sequence).equals(signed.signatureAlgorithm))
      throw new DerError('The signature algorithms inside and outside differ', 0);
    const issuer = readExistingName(tbs.element(tag.sequence), 'crl.issuer', CODE);
    const thisUpdate = readTime(tbs);
    if (tbs.peek() === tag.utcTime || tbs.peek() === tag.generalizedTime) readTime(tbs);
    const revoked = tbs.peek() === tag.sequence ? tbs.content(tag.sequence) : Buffer.alloc(0);
    const extensions = tbs.atEnd ? [] : readCrlExtensions(tbs.content(contextConstructed(0)));
    tbs.finish();
    refuseUnsupported(extensions);
    const number = extensions.find(({ oid }) => oid === extensionOid.crlNumber);
    return {
      ...signed,
      ...{ issuer, thisUpdate, revoked },
      ...(number && { crlNumber: readCrlNumber(number.value) }),
    };
  } catch (error) {
    throw malformedOr(error, 'The CRL is not well formed');
  }
}

function readCrlExtensions(content: Buffer): Extension[] {
  if (content.length > mostExtensionOctets)
    throw new DerError(`Its extensions have more than ${mostExtensionOctets} octets`, 0);
  const outer = new DerReader(content);
  const extensions = readExtensions(outer.sequence(), 'crl.extensions', CODE);
  outer.finish();
  return extensions;
}

/** What it lists, or why an entry cannot be taken. */
export type ForeignEntry =
  | {
      readonly serial: string;
      /** Undefined: it is none that RFC 5280 allows. */
      readonly revokedAt: Date | undefined;
      readonly reason: EntryReason;
    }
  | ImportProblem;

/** One by one from the bytes. Throws `ImportProblem` malformed where the list itself is not one. */
export function* foreignEntries({
  revoked,
  issuer,
}: Pick<ForeignCrl, 'revoked' | 'issuer'>): Generator<ForeignEntry> {
  const list = new DerReader(revoked);
  // Whose they are goes for those that follow, too, up to the next that says it.
  const whose = { ours: true };
  while (!list.atEnd) yield readEntry(nextEntry(list), issuer, whose);
}

function nextEntry(list: DerReader): DerReader {
  try {
    return list.sequence();
  } catch (error) {
    throw malformedOr(error, 'The list of entries is broken off');
  }
}

/** RFC 5280 5.3.3: whose certificate it is, where that is not the CRL's issuer. */
const certificateIssuer = '2.5.29.29';

function readEntry(entry: DerReader, issuer: Name, whose: { ours: boolean }): ForeignEntry {
  try {
    const number = entry.integerContent();
    const revokedAt = readAnyTime(entry);
    const extensions = entry.atEnd ? [] : readExtensions(entry.sequence(), 'crl.revokedCertificates', CODE);
    entry.finish();
    const named = extensions.find(({ oid }) => oid === certificateIssuer);
    if (named !== undefined) whose.ours = isNamed(issuer, named.value);
    const serial = foreignSerialOf(number);
    if (!whose.ours)
      return new ImportProblem('entry-unsupported', "The entry is of another CA's certificate", { serial });
    return { serial, revokedAt, reason: readReason(extensions) };
  } catch (error) {
    return malformedOr(error, 'The entry is not well formed');
  }
}

/** @param names GeneralNames DER */
function isNamed(issuer: Name, names: Buffer): boolean {
  const list = new DerReader(names).sequence();
  while (!list.atEnd) {
    // directoryName is EXPLICIT, since Name is a CHOICE (X.680 31.2.7).
    const isName = list.peek() === contextConstructed(4);
    const element = list.element();
    if (!isName) continue;
    const name = new DerReader(element).content(contextConstructed(4));
    if (sameName(readExistingName(name, 'crl.revokedCertificates.certificateIssuer', CODE), issuer))
      return true;
  }
  return false;
}

/** Without seconds, or with a fraction of them: other readers do not look at it, and a revocation is one without its date. */
function readAnyTime(entry: DerReader): Date | undefined {
  const isTime = entry.peek() === tag.utcTime || entry.peek() === tag.generalizedTime;
  const element = entry.element();
  try {
    return readTime(new DerReader(element));
  } catch (error) {
    if (isTime && error instanceof DerError) return undefined;
    throw error;
  }
}

/** Revoked for whatever reason is revoked: one that is not on offer counts as unspecified. */
function readReason(extensions: readonly Extension[]): EntryReason {
  const extension = extensions.find(({ oid }) => oid === extensionOid.reasonCode);
  if (extension === undefined) return 'unspecified';
  return deltaReasonOfCode(new DerReader(extension.value).smallInteger(tag.enumerated)) ?? 'unspecified';
}

/** indirectCRL of IssuingDistributionPoint (RFC 5280 5.2.5). */
const indirectCrl = contextPrimitive(4);

/** A part of the list of its issuer is as good as the whole for who wants to know what is revoked. */
function refuseUnsupported(extensions: readonly Extension[]): void {
  for (const { oid, value } of extensions) {
    if (oid === extensionOid.deltaCrlIndicator)
      throw new ImportProblem('crl-unsupported', 'It is a delta CRL; import the complete one');
    if (oid === extensionOid.issuingDistributionPoint && isIndirect(value))
      throw new ImportProblem('crl-unsupported', "It lists other CAs' certificates (an indirect CRL)");
  }
}

function isIndirect(value: Buffer): boolean {
  const scope = new DerReader(value).sequence();
  while (!scope.atEnd) {
    const isThis = scope.peek() === indirectCrl;
    scope.element();
    if (isThis) return true;
  }
  return false;
}
