import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePem } from '../../src/encoding/pem.ts';
import {
  type CertificateHeader,
  readForwardedCertificate,
  UnreadableCertificate,
} from '../../src/verification/forwarded-certificate.ts';

const der = Buffer.from(Array.from({ length: 200 }, (_, index) => (index * 37) % 256));
const other = Buffer.from('another certificate');
const base64 = der.toString('base64');
const pem = encodePem('CERTIFICATE', der);
const escaped = encodeURIComponent(pem);

const readable: readonly (readonly [string, CertificateHeader, string])[] = [
  ['what nginx escapes', 'ssl-client-cert', escaped],
  ['lower-case escapes', 'ssl-client-cert', escaped.replace(/%../g, (code) => code.toLowerCase())],
  ['CRLF', 'ssl-client-cert', encodeURIComponent(pem.replaceAll('\n', '\r\n'))],
  [
    'PEM on one line, as HAProxy can build it',
    'ssl-client-cert',
    encodeURIComponent(pem.replaceAll('\n', ' ')),
  ],
  ['Traefik', 'x-forwarded-tls-client-cert', base64],
  ['Traefik, with the chain', 'x-forwarded-tls-client-cert', `${base64},${other.toString('base64')}`],
  ['Traefik before 2.3', 'x-forwarded-tls-client-cert', encodeURIComponent(base64)],
  [
    'Traefik before 2.3, with the chain',
    'x-forwarded-tls-client-cert',
    `${encodeURIComponent(base64)},${encodeURIComponent(other.toString('base64'))}`,
  ],
  ['RFC 9440', 'client-cert', `:${base64}:`],
];

for (const [name, header, value] of readable) {
  test(`read: ${name}`, () => assert.deepEqual(readForwardedCertificate(header, value), der));
}

const unreadable: readonly (readonly [string, CertificateHeader, string])[] = [
  ['PEM that is not escaped', 'ssl-client-cert', pem.replaceAll('\n', ' ')],
  ['junk behind the PEM', 'ssl-client-cert', `${escaped}x`],
  ['junk before the PEM', 'ssl-client-cert', `x${escaped}`],
  ['two certificates', 'ssl-client-cert', escaped + escaped],
  ['the header twice, as Node joins it', 'ssl-client-cert', `${escaped}, ${escaped}`],
  ['something else in PEM', 'ssl-client-cert', encodeURIComponent(encodePem('X509 CRL', der))],
  ['a malformed escape', 'ssl-client-cert', `${escaped}%zz`],
  ['escapes that are no UTF-8', 'ssl-client-cert', `${escaped}%ff`],
  ['a NUL', 'ssl-client-cert', `${escaped}%00`],
  [
    'one line alone, both its begin and its end',
    'ssl-client-cert',
    encodeURIComponent('-----BEGIN CERTIFICATE-----END CERTIFICATE-----'),
  ],
  // As long as a header may be: each would take hours if the time grew by more than the length.
  ['blanks without an end', 'ssl-client-cert', `-----BEGIN%20CERTIFICATE-----${'%20'.repeat(21_000)}`],
  [
    'blanks and an end in the middle',
    'ssl-client-cert',
    `-----BEGIN%20CERTIFICATE-----${'%0A'.repeat(21_000)}x-----END%20CERTIFICATE-----`,
  ],
  [
    'blanks alone',
    'ssl-client-cert',
    `-----BEGIN%20CERTIFICATE-----${'%20'.repeat(21_000)}-----END%20CERTIFICATE-----`,
  ],
  ['base64 that is not exact', 'ssl-client-cert', encodeURIComponent(pem.replace('=', ''))],
  ['Traefik: nothing', 'x-forwarded-tls-client-cert', ''],
  ['Traefik: the header twice', 'x-forwarded-tls-client-cert', `${base64}, ${base64}`],
  ['Traefik: the header twice, escaped', 'x-forwarded-tls-client-cert', `${encodeURIComponent(base64)}, x`],
  ['Traefik: junk in the chain', 'x-forwarded-tls-client-cert', `${base64},%21`],
  ['Traefik: an empty place', 'x-forwarded-tls-client-cert', `${base64},`],
  ['Traefik: PEM', 'x-forwarded-tls-client-cert', escaped],
  ['RFC 9440: without colons', 'client-cert', base64],
  ['RFC 9440: with a parameter', 'client-cert', `:${base64}:;a=1`],
  ['RFC 9440: the header twice', 'client-cert', `:${base64}:, :${base64}:`],
  ['RFC 9440: a text', 'client-cert', `"${base64}"`],
  ['RFC 9440: nothing', 'client-cert', '::'],
];

for (const [name, header, value] of unreadable) {
  test(`unreadable: ${name}`, () =>
    assert.throws(() => readForwardedCertificate(header, value), UnreadableCertificate));
}
