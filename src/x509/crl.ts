import { bitString, enumerated, header, integer, sequence, tlv } from '../encoding/der-writer.ts';
import { contextConstructed, tag } from '../encoding/tag.ts';
import {
  authorityKeyIdentifierExtension,
  crlNumberExtension,
  deltaCrlIndicatorExtension,
  encodeExtension,
  extensionOid,
  freshestCrlExtension,
  issuingDistributionPointExtension,
} from './extensions.ts';
import { type EntryReason, reasonCodeOf, revocationReasons } from './revocation-reason.ts';
import { encodeSerial } from './serial.ts';
import { assembleSignedChunks } from './signed.ts';
import { encodeTime } from './time.ts';

export { type CertificateRevocationList, type CrlEntry, readCrl } from './crl-reader.ts';
export type { EntryReason, RevocationReason } from './revocation-reason.ts';

export interface RevokedEntry {
  /** Positive, at most 21 octets. */
  readonly serial: Buffer;
  readonly revocationDate: Date;
  /** removeFromCRL in delta CRLs only. */
  readonly reason?: EntryReason;
}

/** crlEntryExtensions per reason, encoded once. */
const entryExtensions: ReadonlyMap<EntryReason, Buffer> = new Map(
  [...revocationReasons, 'removeFromCRL' as const]
    // RFC 5280 5.3.1: the extension should be absent instead of saying "unspecified".
    .filter((reason) => reason !== 'unspecified')
    .map((reason) => {
      const value = enumerated(reasonCodeOf(reason));
      return [reason, sequence(encodeExtension(extensionOid.reasonCode, false, value))];
    }),
);

/** One member of revokedCertificates. No reason extension for unspecified. Throws `RangeError` on a bad serial or date. */
export function encodeRevokedEntry({ serial, revocationDate, reason }: RevokedEntry): Buffer {
  const extensions = reason && entryExtensions.get(reason);
  const parts = [encodeSerial(serial), encodeTime(revocationDate)];
  return extensions ? sequence(...parts, extensions) : sequence(...parts);
}

export interface CrlHeader {
  readonly signatureAlgorithm: Buffer;
  /** Name DER. */
  readonly issuer: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly authorityKeyId: Buffer;
  readonly crlNumber: bigint;
  /** Makes it a delta to the complete CRL with this number. */
  readonly deltaBase?: bigint;
  /** Makes it the part that is at this URI, of the certificates that name it. nginx refuses every client over one. */
  readonly distributionPoint?: string;
  /** Of a complete CRL: where its delta is. */
  readonly freshestCrl?: string;
  /** Concatenated entries, in as many chunks as there are. */
  readonly entries: readonly Buffer[];
}

/**
 * TBSCertList v2 (RFC 5280 5.1) in chunks, the entries' own among them uncopied. revokedCertificates is absent when empty
 * (5.1.2.6).
 */
export function encodeTbsCertList(crl: CrlHeader): Buffer[] {
  if (crl.nextUpdate <= crl.thisUpdate) throw new RangeError('nextUpdate does not lie behind thisUpdate');
  const head = Buffer.concat([
    integer(1),
    crl.signatureAlgorithm,
    crl.issuer,
    encodeTime(crl.thisUpdate),
    encodeTime(crl.nextUpdate),
  ]);
  const extensions = sequence(
    authorityKeyIdentifierExtension(crl.authorityKeyId),
    crlNumberExtension(crl.crlNumber),
    ...(crl.deltaBase === undefined ? [] : [deltaCrlIndicatorExtension(crl.deltaBase)]),
    ...(crl.distributionPoint === undefined
      ? []
      : [issuingDistributionPointExtension(crl.distributionPoint)]),
    ...(crl.freshestCrl === undefined ? [] : [freshestCrlExtension(crl.freshestCrl)]),
  );
  const revoked = inSequence(crl.entries.filter(({ length }) => length > 0));
  return inSequence([head, ...revoked, tlv(contextConstructed(0), extensions)]);
}

/** The chunks as content of a SEQUENCE, its header in front; nothing for no chunks. */
function inSequence(chunks: readonly Buffer[]): Buffer[] {
  if (chunks.length === 0) return [];
  const length = chunks.reduce((total, chunk) => total + chunk.length, 0);
  return [header(tag.sequence, length), ...chunks];
}

/** The CertificateList in chunks, as the TBS comes: of a million entries not one is copied. */
export function crlChunks(
  tbsChunks: readonly Buffer[],
  signatureAlgorithm: Buffer,
  signature: Buffer,
): Buffer[] {
  return inSequence([...tbsChunks, signatureAlgorithm, bitString(signature)]);
}

/** The CertificateList in one Buffer. */
export function assembleCrl(
  tbsChunks: readonly Buffer[],
  signatureAlgorithm: Buffer,
  signature: Buffer,
): Buffer {
  return assembleSignedChunks(tbsChunks, signatureAlgorithm, signature);
}
