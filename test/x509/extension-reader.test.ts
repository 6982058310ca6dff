import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DerReader } from '../../src/encoding/der-reader.ts';
import {
  readAuthorityKeyIdentifier,
  readBasicConstraints,
  readExtendedKeyUsage,
  readKeyUsage,
  readSubjectKeyIdentifier,
} from '../../src/x509/extension-reader.ts';
import {
  authorityKeyIdentifierExtension,
  basicConstraintsExtension,
  extendedKeyUsageExtension,
  keyUsageExtension,
  keyUsages,
  subjectKeyIdentifierExtension,
} from '../../src/x509/extensions.ts';
import { throwsX509 } from './throws.ts';

const field = 'csr.extensions.x';
const code = 'csr-malformed';

/** The value inside an Extension. */
function extensionValue(extension: Buffer): Buffer {
  const reader = new DerReader(extension).sequence();
  reader.oid();
  if (reader.peek() === 0x01) reader.boolean();
  return reader.octetString();
}

test('reads back what the encoders write', () => {
  assert.deepEqual(readKeyUsage(extensionValue(keyUsageExtension(keyUsages)), field, code), [...keyUsages]);
  for (const usage of keyUsages) {
    assert.deepEqual(readKeyUsage(extensionValue(keyUsageExtension([usage])), field, code), [usage]);
  }
  const purposes = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0'];
  assert.deepEqual(
    readExtendedKeyUsage(extensionValue(extendedKeyUsageExtension(purposes)), field, code),
    purposes,
  );
  for (const constraints of [
    { ca: false },
    { ca: true },
    { ca: true, pathLength: 0 },
    { ca: true, pathLength: 300 },
  ]) {
    assert.deepEqual(
      readBasicConstraints(extensionValue(basicConstraintsExtension(constraints)), field, code),
      constraints,
    );
  }
  const keyId = Buffer.alloc(20, 3);
  assert.deepEqual(
    readSubjectKeyIdentifier(extensionValue(subjectKeyIdentifierExtension(keyId)), field, code),
    keyId,
  );
  assert.deepEqual(
    readAuthorityKeyIdentifier(extensionValue(authorityKeyIdentifierExtension(keyId)), field, code),
    keyId,
  );
  assert.equal(readAuthorityKeyIdentifier(Buffer.from('3003820101', 'hex'), field, code), undefined);
});

test('refuses values that RFC 5280 forbids', () => {
  const bad: [(value: Buffer, field: string, code: 'csr-malformed') => unknown, string[]][] = [
    // no bit, an unknown bit, an unused bit, trailing bytes, not a BIT STRING
    [readKeyUsage, ['030100', '0303060040', '03020388ff', '03020389', '0302078000', '0500']],
    [readExtendedKeyUsage, ['3000', '30020500', '300306010100', '0500']],
    // a path length without CA:TRUE, negative, one member too many
    [readBasicConstraints, ['3003020100', '30060101ff0201ff', '30080101ff0201000500', '3003010101']],
    [readSubjectKeyIdentifier, ['0500', '04010100']],
    [readAuthorityKeyIdentifier, ['0500', '30038001', '300080']],
  ];
  for (const [read, values] of bad) {
    for (const hex of values) {
      throwsX509(() => read(Buffer.from(hex, 'hex'), field, code), code, field);
    }
  }
});
