import 'reflect-metadata';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SubjectAlternativeNameExtension } from '@peculiar/x509';
import { objectIdentifier, sequence, tlv } from '../../src/encoding/der-writer.ts';
import {
  encodeGeneralNames,
  formatGeneralName,
  generalName,
  isWildcard,
  readGeneralNames,
} from '../../src/x509/general-name.ts';
import { parseIpAddress } from '../../src/x509/ip-address.ts';
import { parseName } from '../../src/x509/name.ts';
import { throwsX509 } from './throws.ts';

function names(...elements: readonly Buffer[]): Buffer {
  return sequence(...elements);
}

function dns(host: string): Buffer {
  return tlv(0x82, Buffer.from(host, 'latin1'));
}

test('reads every kind', () => {
  const otherName = tlv(
    0xa0,
    objectIdentifier('1.3.6.1.4.1.311.20.2.3'),
    tlv(0xa0, tlv(0x0c, Buffer.from('u@x'))),
  );
  const der = names(
    otherName,
    tlv(0x81, Buffer.from('a.b+c@mail.example')),
    dns('A.Example'),
    tlv(0xa3, Buffer.from('3000', 'hex')),
    tlv(0xa4, parseName('CN=x,O=y').der),
    tlv(0xa5, Buffer.from('8000', 'hex')),
    tlv(0x86, Buffer.from('spiffe://cluster.local/ns/a/sa/b')),
    tlv(0x87, Buffer.of(10, 0, 0, 1)),
    tlv(0x88, Buffer.from('2a0304', 'hex')),
  );
  const read = readGeneralNames(der);
  assert.deepEqual(read.map(formatGeneralName), [
    'otherName:1.3.6.1.4.1.311.20.2.3;0c03754078',
    'email:a.b+c@mail.example',
    'dns:a.example',
    'x400Address:3000',
    'directoryName:CN=x,O=y',
    'ediPartyName:8000',
    'uri:spiffe://cluster.local/ns/a/sa/b',
    'ip:10.0.0.1',
    'registeredID:1.2.3.4',
  ]);
  assert.equal(read[2]?.value, 'A.Example');
  assert.ok(read[0]?.der.equals(otherName));
});

test('takes host names of every sensible form and reports wildcards', () => {
  const label63 = 'a'.repeat(63);
  for (const host of ['a', 'db-0.svc', '1a.example', 'xn--kln-sna.example', `${label63}.x`, '3com.com']) {
    assert.equal(isWildcard(readGeneralNames(names(dns(host)))[0] ?? assert.fail()), false, host);
  }
  assert.equal(isWildcard(generalName('dns', '*.a.example')), true);
});

test('refuses malformed host names and names which one', () => {
  const bad = [
    '',
    '.',
    '*',
    'a.',
    '.a',
    'a..b',
    '-a.b',
    'a-.b',
    'a_b.example',
    'a b',
    'a\0.example',
    'köln.example',
    '*a.example',
    'a.*.example',
    '*.*.example',
    '10.0.0.1',
    'a.1',
    `${'a'.repeat(64)}.x`,
    Array(128).fill('a').join('.'),
  ];
  for (const host of bad) {
    const der = names(dns('good.example'), dns(host));
    throwsX509(
      () => readGeneralNames(der, 'csr.extensions.subjectAltName'),
      'san-malformed',
      'csr.extensions.subjectAltName[1]',
    );
  }
});

test('refuses malformed e-mail addresses', () => {
  const bad = [
    'a',
    '@b.c',
    'a@',
    'a@b@c',
    'a..b@c',
    '.a@c',
    '"a"@c',
    'a b@c',
    'a@b_c',
    'a@*.c',
    'A <a@c>',
    'a@c\0',
    `${'a'.repeat(65)}@c`,
  ];
  for (const mailbox of bad) {
    throwsX509(
      () => readGeneralNames(names(tlv(0x81, Buffer.from(mailbox)))),
      'san-malformed',
      'generalNames[0]',
    );
  }
});

test('refuses malformed URIs', () => {
  for (const uri of [
    '',
    'relative/path',
    '//host/path',
    'http:',
    '1a:b',
    'http://a b',
    'http://a\0b',
    'http://ä',
    'x:<y>',
    'x:%zz',
    'x:"',
  ]) {
    throwsX509(
      () => readGeneralNames(names(tlv(0x86, Buffer.from(uri)))),
      'san-malformed',
      'generalNames[0]',
    );
  }
  assert.equal(generalName('uri', 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6').kind, 'uri');
  assert.equal(generalName('uri', 'https://[2001:db8::1]:8443/%7Ea?b#c').kind, 'uri');
});

test('refuses addresses that have neither 4 nor 16 octets', () => {
  for (const length of [0, 1, 3, 5, 8, 15, 17, 32]) {
    throwsX509(
      () => readGeneralNames(names(tlv(0x87, Buffer.alloc(length)))),
      'san-malformed',
      'generalNames[0]',
    );
  }
});

test('prints and parses IPv6 as RFC 5952 has it', () => {
  const canonical: readonly [hex: string, text: string][] = [
    ['20010db8000000000000000000000001', '2001:db8::1'],
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010000000000000000000000000000', '2001::'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['00000000000000000000ffffc0000201', '::ffff:192.0.2.1'],
  ];
  for (const [hex, text] of canonical) {
    const octets = Buffer.from(hex, 'hex');
    assert.equal(readGeneralNames(names(tlv(0x87, octets)))[0]?.value, text);
    assert.deepEqual(parseIpAddress(text), octets);
  }
  assert.deepEqual(
    parseIpAddress('1:2:3:4:5:6:7.8.9.10')?.toString('hex'),
    '0001000200030004000500060708090a',
  );
  for (const text of ['', '1.2.3', '256.1.1.1', 'fe80::1%eth0', '1::2::3', 'a.example']) {
    assert.equal(parseIpAddress(text), undefined, text);
    throwsX509(() => generalName('ip', text), 'san-malformed', 'ip');
  }
});

test('refuses no names, unknown tags and what is no list', () => {
  throwsX509(() => readGeneralNames(names()), 'san-malformed', 'generalNames[0]');
  throwsX509(() => readGeneralNames(names(tlv(0x89, Buffer.of(1)))), 'san-malformed', 'generalNames[0]');
  throwsX509(() => readGeneralNames(names(tlv(0xa2, dns('a')))), 'san-malformed', 'generalNames[0]');
  throwsX509(() => readGeneralNames(Buffer.from('0500', 'hex')), 'san-malformed', 'generalNames');
  const badName = tlv(0xa4, sequence(tlv(0x31, sequence(objectIdentifier('2.5.4.3'), tlv(0x0c)))));
  throwsX509(() => readGeneralNames(names(badName)), 'san-malformed', 'generalNames[0].CN');
  assert.throws(() => encodeGeneralNames([]), RangeError);
});

test('encodes names byte for byte as @peculiar/x509 does', () => {
  const ours = encodeGeneralNames([
    generalName('dns', 'a.example'),
    generalName('ip', '192.0.2.7'),
    generalName('ip', '2001:db8::7'),
    generalName('email', 'a@b.example'),
    generalName('uri', 'https://a.example/x'),
  ]);
  const theirs = new SubjectAlternativeNameExtension([
    { type: 'dns', value: 'a.example' },
    { type: 'ip', value: '192.0.2.7' },
    { type: 'ip', value: '2001:db8::7' },
    { type: 'email', value: 'a@b.example' },
    { type: 'url', value: 'https://a.example/x' },
  ]);
  assert.equal(ours.toString('hex'), Buffer.from(theirs.value).toString('hex'));
});
