import { createHash, type KeyObject, verify } from 'node:crypto';
import { DerReader } from '../../src/encoding/der-reader.ts';
import {
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  tlv,
  unsignedInteger,
} from '../../src/encoding/der-writer.ts';
import { contextConstructed, contextPrimitive, tag } from '../../src/encoding/tag.ts';
import { type Certificate, readCertificate } from '../../src/x509/certificate.ts';
import { encodeExtension } from '../../src/x509/extensions.ts';
import { reasonOfCode } from '../../src/x509/revocation-reason.ts';
import { readTime } from '../../src/x509/time.ts';

export const hashOids = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const;

type Issuer = Pick<Certificate, 'subject' | 'publicKey'>;

export interface CertIdOptions {
  readonly hash?: keyof typeof hashOids;
  /** What stands behind the OID of the hash; default NULL. */
  readonly parameters?: Buffer;
  /** The whole INTEGER, in place of the serial. */
  readonly serial?: Buffer;
}

/** @param serial lower-case hex */
export function certIdOf(issuer: Issuer, serial: string, options: CertIdOptions = {}): Buffer {
  const { hash = 'sha1', parameters = nullValue() } = options;
  const digest = (content: Buffer): Buffer => createHash(hash).update(content).digest();
  return sequence(
    sequence(objectIdentifier(hashOids[hash]), parameters),
    octetString(digest(issuer.subject.der)),
    octetString(digest(issuer.publicKey.subjectPublicKey)),
    options.serial ?? unsignedInteger(Buffer.from(serial, 'hex')),
  );
}

export interface RequestOptions {
  readonly nonce?: Buffer;
  /** Whole Extension elements. */
  readonly extensions?: readonly Buffer[];
  readonly singleExtensions?: readonly Buffer[];
  readonly version?: number;
  readonly requestorName?: Buffer;
  readonly signature?: Buffer;
}

export const nonceOid = '1.3.6.1.5.5.7.48.1.2';

export function ocspRequestOf(certIds: readonly Buffer[], options: RequestOptions = {}): Buffer {
  const { nonce, version, requestorName, signature, singleExtensions } = options;
  const extensions = [
    ...(nonce ? [encodeExtension(nonceOid, false, octetString(nonce))] : []),
    ...(options.extensions ?? []),
  ];
  const single = singleExtensions ? [explicit(0, sequence(...singleExtensions))] : [];
  const tbs = sequence(
    ...(version === undefined ? [] : [explicit(0, integer(version))]),
    ...(requestorName ? [explicit(1, requestorName)] : []),
    sequence(...certIds.map((certId) => sequence(certId, ...single))),
    ...(extensions.length > 0 ? [explicit(2, sequence(...extensions))] : []),
  );
  return sequence(tbs, ...(signature ? [explicit(0, signature)] : []));
}

export function explicit(n: number, content: Buffer): Buffer {
  return tlv(contextConstructed(n), content);
}

export interface ReadSingle {
  readonly certId: Buffer;
  readonly status: string;
  readonly revokedAt?: Date;
  readonly reason?: string;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

export interface ReadResponse {
  /** OCSPResponseStatus. */
  readonly code: number;
  readonly responses: readonly ReadSingle[];
  readonly producedAt?: Date;
  readonly keyHash?: Buffer;
  /** Inside both OCTET STRINGs. */
  readonly nonce?: Buffer;
  readonly certificate?: Certificate;
}

/** Reads an OCSPResponse of ours whole, and checks that its signature is by the certificate in it, and that by `issuer`. */
export function readOcspResponse(der: Uint8Array, issuer?: KeyObject): ReadResponse {
  const outer = new DerReader(der);
  const response = outer.sequence();
  outer.finish();
  const code = response.smallInteger(tag.enumerated);
  if (response.atEnd) return { code, responses: [] };
  const bytes = response.constructed(contextConstructed(0)).sequence();
  response.finish();
  if (bytes.oid() !== '1.3.6.1.5.5.7.48.1.1') throw new Error('no BasicOCSPResponse');
  const basic = new DerReader(bytes.octetString()).sequence();
  const tbs = basic.element(tag.sequence);
  basic.element(tag.sequence);
  const signature = basic.bitStringOctets();
  const certificate = readCertificate(
    basic.constructed(contextConstructed(0)).sequence().element(tag.sequence),
  );
  basic.finish();
  if (!verify('sha256', tbs, certificate.publicKey.keyObject, signature)) throw new Error('not signed');
  if (issuer && !verify('sha256', certificate.tbs, issuer, certificate.signature)) {
    throw new Error('the responder is not by the CA');
  }
  return { code, certificate, ...readData(new DerReader(tbs).sequence()) };
}

function readData(data: DerReader) {
  const keyHash = data.constructed(contextConstructed(2)).octetString();
  const producedAt = readTime(data);
  const list = data.sequence();
  const responses: ReadSingle[] = [];
  while (!list.atEnd) responses.push(readSingle(list.sequence()));
  const nonce = data.atEnd ? undefined : readNonce(data.constructed(contextConstructed(1)).sequence());
  data.finish();
  return { keyHash, producedAt, responses, ...(nonce && { nonce }) };
}

function readNonce(extensions: DerReader): Buffer {
  const extension = extensions.sequence();
  if (extension.oid() !== nonceOid) throw new Error('another extension than the nonce');
  const nonce = new DerReader(extension.octetString()).octetString();
  extension.finish();
  extensions.finish();
  return nonce;
}

function readSingle(single: DerReader): ReadSingle {
  const certId = single.element(tag.sequence);
  const status = readStatus(single);
  const thisUpdate = readTime(single);
  const nextUpdate = readTime(single.constructed(contextConstructed(0)));
  single.finish();
  return { certId, ...status, thisUpdate, nextUpdate };
}

function readStatus(single: DerReader): Pick<ReadSingle, 'status' | 'revokedAt' | 'reason'> {
  const identifier = single.peek();
  if (identifier === contextConstructed(1)) {
    const revoked = single.constructed(contextConstructed(1));
    const revokedAt = readTime(revoked);
    if (revoked.atEnd) return { status: 'revoked', revokedAt };
    const reason = reasonOfCode(revoked.constructed(contextConstructed(0)).smallInteger(tag.enumerated));
    return { status: 'revoked', revokedAt, reason: reason ?? 'another' };
  }
  const good = identifier === contextPrimitive(0);
  if (single.content(good ? contextPrimitive(0) : contextPrimitive(2)).length > 0) throw new Error('no NULL');
  return { status: good ? 'good' : 'unknown' };
}
