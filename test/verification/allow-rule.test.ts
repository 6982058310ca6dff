import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { type CertificateNames, isAllowed, readAllowRules } from '../../src/verification/allow-rule.ts';

const names: CertificateNames = {
  subject: 'CN=alice,O=Example\\, Inc.',
  commonName: 'alice',
  subjectAltNames: [
    { kind: 'dns', value: 'Alice.Clients.example' },
    { kind: 'uri', value: 'spiffe://corp/ns/shop/sa/web' },
    { kind: 'email', value: 'Alice@EXAMPLE.com' },
    { kind: 'ip', value: '10.0.0.1' },
  ],
};

const fitting: readonly unknown[] = [
  { commonName: 'alice' },
  { subject: 'CN=alice,O=Example\\, Inc.' },
  { subject: 'cn=alice, o=Example\\2C Inc.' },
  { dns: 'alice.clients.EXAMPLE' },
  { dns: '*.clients.example' },
  { uri: 'spiffe://corp/ns/shop/sa/web' },
  { uri: 'spiffe://corp/ns/shop/*' },
  { uri: 'spiffe:*' },
  { email: 'Alice@example.COM' },
];

const strange: readonly unknown[] = [
  { commonName: 'Alice' },
  { commonName: 'alic' },
  { commonName: '*' },
  { subject: 'CN=alice' },
  { subject: 'O=Example\\, Inc.,CN=alice' },
  { dns: 'clients.example' },
  // The star stands for one label.
  { dns: '*.example' },
  { dns: '*.ients.example' },
  { uri: 'spiffe://corp/ns/shop/sa/web2' },
  { uri: 'spiffe://corp/ns/shop/sa/' },
  { uri: 'SPIFFE://corp/ns/shop/*' },
  { email: 'alice@example.com' },
  // An address is no host name, whatever the text.
  { dns: 'alice' },
];

for (const rule of fitting) {
  test(`${JSON.stringify(rule)} fits`, () => {
    assert.equal(isAllowed(readAllowRules([rule], 'allow'), names), true);
  });
}

for (const rule of strange) {
  test(`${JSON.stringify(rule)} does not fit`, () => {
    assert.equal(isAllowed(readAllowRules([rule], 'allow'), names), false);
  });
}

test('one of several rules is enough, and a certificate without names fits none', () => {
  const rules = readAllowRules([{ commonName: 'bob' }, { dns: '*.clients.example' }], 'allow');
  assert.equal(isAllowed(rules, names), true);
  assert.equal(isAllowed(rules, { subject: '', subjectAltNames: [] }), false);
});

const refused: readonly (readonly [unknown, RegExp])[] = [
  [undefined, /^allow must be a list/],
  [{ commonName: 'alice' }, /^allow must be a list/],
  [[], /^allow is empty: nobody would be let in/],
  [Array.from({ length: 65 }, () => ({ commonName: 'a' })), /^allow has more than 64 rules/],
  [['alice'], /^allow\[0\] must have one member/],
  [[{}], /^allow\[0\] must have one member/],
  [[['a']], /^allow\[0\] must have one member/],
  [[{ commonName: 'a', dns: 'b' }], /^allow\[0\] must have one member/],
  [[{ ip: '10.0.0.1' }], /^allow\[0\] ip is none of/],
  [[{ constructor: 'a' }], /^allow\[0\] constructor is none of/],
  [[{ commonName: '' }], /^allow\[0\]\.commonName must be a text/],
  [[{ commonName: 7 }], /^allow\[0\]\.commonName must be a text/],
  [[{ commonName: 'a'.repeat(1025) }], /^allow\[0\]\.commonName must be a text/],
  [[{ commonName: 'a' }, { subject: 'alice' }], /^allow\[1\]\.subject is no name/],
  [[{ dns: '*' }], /^allow\[0\]\.dns is no host name/],
  [[{ dns: 'a.*.example' }], /^allow\[0\]\.dns is no host name/],
  [[{ uri: 'https://a.example*' }], /^allow\[0\]\.uri may have a \* only at its end/],
  [[{ uri: 'https://*/x' }], /^allow\[0\]\.uri may have a \* only at its end/],
  [[{ email: 'example.com' }], /^allow\[0\]\.email is no e-mail address/],
];

for (const [value, message] of refused) {
  test(`refused: ${JSON.stringify(value)?.slice(0, 60)}`, () => {
    assert.throws(
      () => readAllowRules(value, 'allow'),
      (error: unknown) =>
        error instanceof Fault && error.code === 'request-invalid' && message.test(error.message),
    );
  });
}
