import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkErrorPage } from '../../src/enforcement/adapters/ingress-nginx/error-page.ts';
import {
  checkCommonName,
  commonNamePattern,
} from '../../src/enforcement/adapters/ingress-nginx/match-common-name.ts';
import { codes } from './fixtures.ts';

function matches(commonName: string, subject: string): boolean {
  return new RegExp(commonNamePattern(commonName)).test(subject);
}

test('the exact commonName matches wherever it stands in the subject', () => {
  for (const subject of [
    'CN=alice',
    'CN=alice,O=x',
    'O=x,CN=alice',
    'O=x,CN=alice,C=DE',
    'OU=y+CN=alice,O=x',
  ]) {
    assert.equal(matches('alice', subject), true, subject);
  }
});

test('no other subject does', () => {
  const others = [
    '',
    'CN=alice-evil',
    'CN=malice',
    'CN=Alice',
    'O=CN=alice',
    'O=x\\,CN=alice',
    'O=x\\+CN=alice',
  ];
  for (const subject of [
    ...others,
    'XCN=alice',
    'CN=alice\\,O=x',
    'CN=alic',
    'O=alice',
    'CN=',
    'CN=^alice',
  ]) {
    assert.equal(matches('alice', subject), false, subject);
  }
});

test('characters of regular expressions stand for themselves', () => {
  assert.equal(matches('a.example', 'CN=a.example'), true);
  assert.equal(matches('a.example', 'CN=axexample'), false);
  assert.equal(matches('*.example', 'CN=*.example'), true);
  assert.equal(matches('*.example', 'CN=.example'), false);
  assert.equal(matches('Alice (ops)', 'CN=Alice (ops),O=x'), true);
  assert.equal(matches('Alice (ops)', 'CN=Alice ops'), false);
});

test('* is any commonName, but not none', () => {
  assert.equal(matches('*', 'CN=whoever'), true);
  assert.equal(matches('*', 'O=x,CN=whoever'), true);
  assert.equal(matches('*', 'O=x'), false);
  assert.equal(matches('*', ''), false);
});

test('the pattern starts as the controller wants it, without what its block lists and quoting trip over', () => {
  for (const commonName of ['alice', 'a.example', '*', 'Alice (ops)', 'spiffe://x/y']) {
    const pattern = commonNamePattern(commonName);
    assert.match(pattern, /^CN=/);
    assert.doesNotMatch(pattern, /["'\\{};\n]/);
    assert.doesNotThrow(() => new RegExp(pattern.slice(3)));
  }
});

test('what cannot be matched exactly is refused', () => {
  for (const good of ['alice', 'a', '*', 'Alice Smith', 'a@b.example', 'x'.repeat(64)]) {
    assert.equal(checkCommonName(good), undefined, good);
  }
  for (const bad of [
    '',
    ' alice',
    'alice ',
    'a,b',
    'a"b',
    'a\\b',
    'a$',
    'a|b',
    '^a',
    'é',
    'a\nb',
    'a;b',
    '{',
    'x'.repeat(65),
  ]) {
    assert.equal(checkCommonName(bad)?.code, 'match-common-name-invalid', bad);
  }
});

test('error pages that the controller would choke on are refused', () => {
  for (const bad of [
    '',
    'x',
    'sorry.html',
    'help.example/x',
    '/a b',
    '/a?b=c',
    'https://',
    'ftp://x/',
    '/a;',
    '@',
    '"',
  ]) {
    assert.deepEqual(codes(checkErrorPage(bad, []).reasons), ['error-page-invalid'], bad);
  }
});

test('a URL elsewhere is fine, one on the same host is a loop', () => {
  assert.deepEqual(checkErrorPage('https://help.example/x', ['a.example']), { reasons: [], warnings: [] });
  assert.deepEqual(checkErrorPage('https://help.example:8443', ['a.example']), { reasons: [], warnings: [] });
  assert.deepEqual(codes(checkErrorPage('https://A.example/x', ['a.example']).reasons), ['error-page-loop']);
});

test('a local page is served without a certificate, which is said; so is what a name needs', () => {
  assert.deepEqual(codes(checkErrorPage('/sorry', []).warnings), ['error-page-open']);
  assert.deepEqual(codes(checkErrorPage('@sorry', []).warnings), ['error-page-named']);
});
