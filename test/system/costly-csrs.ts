import {
  bitString,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  tlv,
  unsignedInteger,
} from '../../src/encoding/der-writer.ts';
import { encodeOidContent } from '../../src/encoding/oid.ts';
import { MAX_CSR_BYTES } from '../../src/x509/certification-request.ts';
import { attribute, buildCsr, extension, extensionRequest } from '../x509/build-csr.ts';

const room = MAX_CSR_BYTES - 1_000;
const subjectAltName = '2.5.29.17';
const commonName = '2.5.4.3';

/** Requests of the largest size that is read, each made to cost as much as it can. */
export function costlyCsrs(): readonly (readonly [string, Buffer])[] {
  return [
    ['nested sequences', nested()],
    ['indefinite lengths', Buffer.from('3080'.repeat(room / 2), 'hex')],
    ['many RDNs', buildCsr({ subject: sequence(...repeat(rdn('a'), 18)) })],
    ['one RDN of many attributes', buildCsr({ subject: sequence(setOf(...manyAttributes())) })],
    ['a long name', buildCsr({ subject: sequence(rdn('é'.repeat(room / 2 - 200))) })],
    ['a long OID', buildCsr({ attributes: [sequence(tlv(0x06, longOid()), setOf())] })],
    [
      'a long OID of an extension',
      withExtensions(sequence(tlv(0x06, longOid()), octetString(Buffer.alloc(2)))),
    ],
    [
      'a long OID in the subject',
      buildCsr({ subject: sequence(setOf(sequence(tlv(0x06, longOid()), tlv(0x0c)))) }),
    ],
    ['many attributes', buildCsr({ attributes: repeat(attribute('1.2.3', nullValue()), 12) })],
    ['many extensions', withExtensions(...manyExtensions())],
    ['one extension many times', withExtensions(...repeat(extension('1.2.3', Buffer.alloc(2)), 12))],
    ['many DNS names', withNames(...repeat(tlv(0x82, Buffer.from('a.b')), 5))],
    ['a long DNS name', withNames(tlv(0x82, Buffer.from('a.'.repeat(room / 2 - 200))))],
    ['a DNS label without end', withNames(tlv(0x82, Buffer.from('a'.repeat(room - 300))))],
    ['a DNS name of hyphens', withNames(tlv(0x82, Buffer.from('-'.repeat(room - 300))))],
    ['a long e-mail address', withNames(tlv(0x81, Buffer.from('@'.repeat(room - 300))))],
    ['an e-mail address of dots', withNames(tlv(0x81, Buffer.from(`${'a.'.repeat(room / 2 - 200)}@a`)))],
    ['a long URI', withNames(tlv(0x86, Buffer.from(`spiffe://a/${'%41/'.repeat(room / 4 - 200)}`)))],
    ['a URI of colons', withNames(tlv(0x86, Buffer.from(':'.repeat(room - 300))))],
    ['many key usages', withExtensions(extension('2.5.29.15', bitString(Buffer.alloc(room - 300, 0xff))))],
    ['many extended key usages', withExtensions(extension('2.5.29.37', sequence(...manyOids())))],
    ['an RSA key of 240,000 bits', rsa(Buffer.alloc(room - 300, 0xff), 65_537n)],
    ['an RSA key of 8,192 bits without a small factor', rsa(withoutSmallFactor(), 2n ** 64n - 1n)],
    ['an RSA key of 8,192 bits with a large exponent', rsa(Buffer.alloc(1024, 0xfb), 2n ** 8000n + 1n)],
    ['an RSA exponent of 240,000 bits', rsa(Buffer.alloc(256, 0xfb), 2n ** 240_000n + 1n)],
    ['a long version', buildCsr({ trailing: integer(2n ** 240_000n) })],
    ['a long signature', buildCsr({ sign: () => Buffer.alloc(room - 300, 0x30) })],
    ['PEM of blanks', Buffer.from(`-----BEGIN CERTIFICATE REQUEST-----${' \n'.repeat(room / 2)}`)],
    ['PEM of begins', Buffer.from('-----BEGIN '.repeat(room / 11))],
    ['PEM of dashes', Buffer.from('-'.repeat(room))],
    ['PEM with a long label', Buffer.from(`-----BEGIN ${'A '.repeat(room / 2)}-----`)],
    ['PEM of many blocks', Buffer.from('-----BEGIN X-----\nAAAA\n-----END X-----\n'.repeat(room / 40))],
  ];
}

function nested(): Buffer {
  let inner: Buffer = Buffer.alloc(0);
  while (inner.length < room) inner = tlv(0x30, inner);
  return inner;
}

/** As many copies as there is room for, each taking `size` octets. */
function repeat(element: Buffer, size = element.length): Buffer[] {
  return Array.from({ length: Math.floor((room - 500) / Math.max(size, element.length)) }, () => element);
}

function rdn(value: string): Buffer {
  return setOf(attributeValue(commonName, value));
}

function attributeValue(oid: string, value: string): Buffer {
  return sequence(objectIdentifier(oid), tlv(0x0c, Buffer.from(value)));
}

function manyAttributes(): Buffer[] {
  return Array.from({ length: 1_800 }, (_, index) =>
    attributeValue(commonName, String(index).padStart(4, '0')),
  );
}

function manyExtensions(): Buffer[] {
  return Array.from({ length: 1_900 }, (_, index) => extension(`1.2.${index}`, Buffer.alloc(2)));
}

function manyOids(): Buffer[] {
  return Array.from({ length: 5_000 }, (_, index) => tlv(0x06, encodeOidContent(`1.2.${index}`)));
}

/** One arc of 200,000 bits. */
function longOid(): Buffer {
  return Buffer.concat([Buffer.from([0x2a]), Buffer.alloc(room - 400, 0xff), Buffer.from([0x7f])]);
}

function withExtensions(...extensions: readonly Buffer[]): Buffer {
  return buildCsr({ attributes: [extensionRequest(...extensions)] });
}

function withNames(...names: readonly Buffer[]): Buffer {
  return withExtensions(extension(subjectAltName, sequence(...names)));
}

const rsaEncryption = '1.2.840.113549.1.1.1';

function rsa(modulus: Buffer, exponent: bigint): Buffer {
  const key = sequence(unsignedInteger(modulus), integer(exponent));
  const spki = sequence(sequence(objectIdentifier(rsaEncryption), nullValue()), bitString(key));
  return buildCsr({ spki });
}

/** 8,192 bits without a small factor, so that every check of the key policy runs to its end. */
function withoutSmallFactor(): Buffer {
  let candidate = 2n ** 8192n - 2n ** 4000n + 1n;
  while (hasSmallFactor(candidate)) candidate += 2n;
  return Buffer.from(candidate.toString(16), 'hex');
}

function hasSmallFactor(candidate: bigint): boolean {
  for (let divisor = 3n; divisor < 752n; divisor += 2n) if (candidate % divisor === 0n) return true;
  return false;
}
