import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Authority } from '../../src/authority/authority.ts';
import {
  boolean,
  integer,
  namedBits,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  tlv,
} from '../../src/encoding/der-writer.ts';
import { contextConstructed, contextPrimitive, tag } from '../../src/encoding/tag.ts';
import {
  basicConstraintsExtension,
  encodeExtension,
  extendedKeyUsageExtension,
  keyUsageExtension,
} from '../../src/x509/extensions.ts';
import { parseName } from '../../src/x509/name.ts';
import { assembleSigned } from '../../src/x509/signed.ts';
import { encodeTime } from '../../src/x509/time.ts';

/** What a certificate is made of; what is not given is as usual. All Buffers are whole elements. */
export interface LeafParts {
  readonly version?: Buffer;
  readonly serial?: Buffer;
  readonly algorithm?: Buffer;
  readonly digest?: string;
  readonly issuer?: Buffer;
  readonly validity?: Buffer;
  readonly subject?: Buffer;
  readonly extensions?: readonly Buffer[];
}

export interface OddLeaf {
  readonly der: Buffer;
  readonly key: string;
}

const day = 86_400_000;
const clientAuth = '1.3.6.1.5.5.7.3.2';
const usual = [basicConstraintsExtension({ ca: false }), keyUsageExtension(['digitalSignature'])];

/** Signed by the authority, whatever it says. */
export function leafOf(authority: Authority, caKey: KeyObject, now: number, parts: LeafParts): OddLeaf {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = parts.algorithm ?? authority.signer.algorithm.der;
  const extensions = parts.extensions ?? usual;
  const tbs = sequence(
    parts.version ?? tlv(contextConstructed(0), integer(2)),
    parts.serial ?? integer(BigInt(`0x10${Buffer.from(generateSerial()).toString('hex')}`)),
    algorithm,
    parts.issuer ?? authority.certificate.subject.der,
    parts.validity ?? sequence(encodeTime(new Date(now - day)), encodeTime(new Date(now + day))),
    parts.subject ?? parseName('CN=odd').der,
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [tlv(contextConstructed(3), sequence(...extensions))]),
  );
  const der = assembleSigned(tbs, algorithm, sign(parts.digest ?? 'sha256', tbs, caKey));
  return { der, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

let serials = 0;
function generateSerial(): Uint8Array {
  serials += 1;
  return Uint8Array.of(1, serials >> 8, serials & 0xff);
}

function named(...rdns: readonly (readonly Buffer[])[]): Buffer {
  return sequence(...rdns.map((attributes) => tlv(tag.set, ...attributes)));
}

function attribute(oid: string, stringTag: number, content: string | Buffer): Buffer {
  return sequence(objectIdentifier(oid), tlv(stringTag, Buffer.from(content)));
}

const cn = (stringTag: number, content: string | Buffer): Buffer => attribute('2.5.4.3', stringTag, content);
const ou = (stringTag: number, content: string | Buffer): Buffer => attribute('2.5.4.11', stringTag, content);
const alternative = (...names: readonly Buffer[]): readonly Buffer[] => [
  ...usual,
  encodeExtension('2.5.29.17', false, sequence(...names)),
];
const dns = (text: string): Buffer => tlv(contextPrimitive(2), Buffer.from(text, 'latin1'));
const more = (...extensions: readonly Buffer[]): readonly Buffer[] => [...usual, ...extensions];
const other = (oid: string, critical: boolean, value: Buffer): Buffer =>
  encodeExtension(oid, critical, value);
const policies = sequence(sequence(objectIdentifier('2.5.29.32.0')));
const ecdsa = (n: number, ...parameters: readonly Buffer[]): Buffer =>
  sequence(objectIdentifier(`1.2.840.10045.4.3.${n}`), ...parameters);
const times = (first: Buffer, last: Buffer): Buffer => sequence(first, last);
const text = (timeTag: number, value: string): Buffer => tlv(timeTag, Buffer.from(value));
const netscape = (...bits: number[]): Buffer => other('2.16.840.1.113730.1.1', false, namedBits(bits));
const raw = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** Of an ECDSA authority whose subject is "CN=Test CA,O=Example". */
export const oddLeaves: Readonly<Record<string, LeafParts>> = {
  usual: {},
  'PrintableString with _ & @ *': { subject: named([cn(tag.printableString, 'till_7@shop&co*')]) },
  'PrintableString with Latin-1': {
    subject: named([cn(tag.printableString, Buffer.from('Zürich', 'latin1'))]),
  },
  'empty OU': { subject: named([cn(tag.utf8String, 'a')], [ou(tag.utf8String, '')]) },
  'blank OU': { subject: named([cn(tag.utf8String, 'a')], [ou(tag.printableString, '  ')]) },
  'empty subject': { subject: sequence() },
  'IA5String with high octets': { subject: named([cn(tag.ia5String, Buffer.from('caf\xe9', 'latin1'))]) },
  TeletexString: { subject: named([cn(tag.teletexString, Buffer.from('M\xfcller', 'latin1'))]) },
  BMPString: { subject: named([cn(tag.bmpString, raw('004d00fc'))]) },
  'BMPString cut off': { subject: named([cn(tag.bmpString, raw('004d00'))]) },
  'BMPString with a surrogate': { subject: named([cn(tag.bmpString, raw('d800004d'))]) },
  UniversalString: { subject: named([cn(tag.universalString, raw('0000004d'))]) },
  NumericString: { subject: named([cn(tag.numericString, '4711-x')]) },
  'UTF8String that is none': { subject: named([cn(tag.utf8String, raw('c328'))]) },
  'NUL in the CN': { subject: named([cn(tag.utf8String, 'a\0b')]) },
  'line feed in the CN': { subject: named([cn(tag.utf8String, 'a\nb')]) },
  'BIT STRING in the subject': {
    subject: named([cn(tag.utf8String, 'a')], [attribute('2.5.4.45', tag.bitString, raw('00ff'))]),
  },
  'RDN out of order': { subject: named([ou(tag.utf8String, 'b'), cn(tag.utf8String, 'a')]) },
  'attribute twice in one RDN': { subject: named([ou(tag.utf8String, 'a'), ou(tag.utf8String, 'b')]) },
  'issuer in PrintableString': {
    issuer: sequence(
      setOf(attribute('2.5.4.10', tag.printableString, 'Example')),
      setOf(cn(tag.printableString, 'Test CA')),
    ),
  },
  'issuer in other case and blanks': {
    issuer: sequence(
      setOf(attribute('2.5.4.10', tag.utf8String, ' EXAMPLE ')),
      setOf(cn(tag.utf8String, 'test   ca')),
    ),
  },
  'issuer in another order': {
    issuer: sequence(
      setOf(cn(tag.utf8String, 'Test CA')),
      setOf(attribute('2.5.4.10', tag.utf8String, 'Example')),
    ),
  },
  'underscore in dNSName': { extensions: alternative(dns('my_app')) },
  'trailing dot in dNSName': { extensions: alternative(dns('a.example.')) },
  'address as dNSName': { extensions: alternative(dns('10.0.0.1')) },
  'blank in dNSName': { extensions: alternative(dns('a b')) },
  'empty dNSName': { extensions: alternative(dns('')) },
  'no names in subjectAltName': { extensions: alternative() },
  'address of five octets': { extensions: alternative(tlv(contextPrimitive(7), Buffer.alloc(5, 1))) },
  'general name of no kind': { extensions: alternative(tlv(contextPrimitive(9), Buffer.alloc(1))) },
  'subjectAltName that is none': { extensions: more(other('2.5.29.17', false, nullValue())) },
  'subjectAltName twice': {
    extensions: [...alternative(dns('a.example')), other('2.5.29.17', false, sequence(dns('b.example')))],
  },
  'critical certificatePolicies': { extensions: more(other('2.5.29.32', true, policies)) },
  'critical key identifier': { extensions: more(other('2.5.29.14', true, octetString(Buffer.alloc(20, 1)))) },
  'critical nocheck': { extensions: more(other('1.3.6.1.5.5.7.48.1.5', true, nullValue())) },
  'critical and unknown': { extensions: more(other('1.2.3.4', true, nullValue())) },
  'unknown, not critical': { extensions: more(other('1.2.3.4', false, Buffer.alloc(0))) },
  'unknown twice': {
    extensions: more(other('1.2.3.4', false, nullValue()), other('1.2.3.4', false, nullValue())),
  },
  'nsCertType client': { extensions: more(netscape(0)) },
  'nsCertType server': { extensions: more(netscape(1)) },
  'critical nsCertType': {
    extensions: more(other('2.16.840.1.113730.1.1', true, namedBits([0]))),
  },
  'proxy certificate': {
    extensions: more(
      other('1.3.6.1.5.5.7.1.14', true, sequence(sequence(objectIdentifier('1.3.6.1.5.5.7.21.1')))),
    ),
  },
  'no extensions': { extensions: [] },
  'keyUsage of an unknown bit': { extensions: [other('2.5.29.15', true, namedBits([0, 10]))] },
  'keyUsage without a bit': { extensions: [other('2.5.29.15', true, namedBits([]))] },
  'keyUsage keyAgreement': { extensions: [keyUsageExtension(['keyAgreement'])] },
  'keyUsage keyEncipherment': { extensions: [keyUsageExtension(['keyEncipherment'])] },
  'extendedKeyUsage of any': { extensions: more(extendedKeyUsageExtension(['2.5.29.37.0'])) },
  'critical extendedKeyUsage': {
    extensions: more(other('2.5.29.37', true, sequence(objectIdentifier(clientAuth)))),
  },
  'empty extendedKeyUsage': { extensions: more(other('2.5.29.37', false, sequence())) },
  'cA FALSE written out': { extensions: [other('2.5.29.19', true, sequence(boolean(false)))] },
  'path length without cA': { extensions: [other('2.5.29.19', true, sequence(integer(0)))] },
  'critical FALSE written out': {
    extensions: more(sequence(objectIdentifier('1.2.3.4'), boolean(false), octetString(nullValue()))),
  },
  'critical of another TRUE': {
    extensions: more(sequence(objectIdentifier('1.2.3.4'), raw('010101'), octetString(nullValue()))),
  },
  'version 1': { version: Buffer.alloc(0), extensions: [] },
  'version 1 written out': { version: tlv(contextConstructed(0), integer(0)), extensions: [] },
  'version 1 with extensions': { version: Buffer.alloc(0) },
  'version 4': { version: tlv(contextConstructed(0), integer(3)) },
  'negative serial': { serial: integer(-5) },
  'serial zero': { serial: integer(0) },
  'serial of 21 octets': { serial: tlv(tag.integer, Buffer.concat([Buffer.of(0), Buffer.alloc(20, 0xfe)])) },
  'serial of 40 octets': { serial: tlv(tag.integer, Buffer.alloc(40, 0x7e)) },
  'padded serial': { serial: raw('0203000001') },
  'before 1970': { validity: times(text(tag.utcTime, '600101000000Z'), text(tag.utcTime, '491231235959Z')) },
  'GeneralizedTime before 2050': {
    validity: times(
      text(tag.generalizedTime, '19500101000000Z'),
      text(tag.generalizedTime, '20491231235959Z'),
    ),
  },
  'UTCTime without seconds': {
    validity: times(text(tag.utcTime, '2001010000Z'), text(tag.utcTime, '491231235959Z')),
  },
  'GeneralizedTime with a fraction': {
    validity: times(text(tag.utcTime, '200101000000Z'), text(tag.generalizedTime, '20491231235959.5Z')),
  },
  'for ever': {
    validity: times(text(tag.utcTime, '200101000000Z'), text(tag.generalizedTime, '99991231235959Z')),
  },
  'ECDSA with NULL': { algorithm: ecdsa(2, nullValue()) },
  'ECDSA with other parameters': { algorithm: ecdsa(2, objectIdentifier('1.2.840.10045.3.1.7')) },
  'ECDSA with SHA-224': { algorithm: ecdsa(1), digest: 'sha224' },
  'ECDSA with SHA-1': { algorithm: sequence(objectIdentifier('1.2.840.10045.4.1')), digest: 'sha1' },
};
