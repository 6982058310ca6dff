import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Authority } from '../../src/authority/authority.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import { createTemplateSource } from '../../src/issuance/templates.ts';
import { createCrlShards } from '../../src/revocation/crl-shards.ts';
import { assembleSigned, fillTemplate } from '../../src/x509/certificate-template.ts';
import { shardOf } from '../../src/x509/crl-shard.ts';
import { parseName } from '../../src/x509/name.ts';
import { readSubjectPublicKeyInfo, subjectKeyIdentifier } from '../../src/x509/public-key.ts';
import { serialFromRandom } from '../../src/x509/serial.ts';
import { makeAuthority } from '../support/authority.ts';
import { skipUnless } from '../support/skip.ts';
import { openssl } from '../x509/openssl.ts';
import { completeCrl } from './complete-crl.ts';

/** What OpenSSL makes of certificates that name a part and a delta, and of these. The time is the real one: openssl's is. */

const publicUrl = 'http://ca.example';
const now = Math.floor(Date.now() / 1000) * 1000 - 60_000;
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = readSubjectPublicKeyInfo(publicKey.export({ type: 'spki', format: 'der' }));

/** Issues as the service does, with one source of templates for all certificates of the authority. */
function issuing(authority: Authority): (serial: Buffer) => Promise<string> {
  const usages = { keyUsage: ['digitalSignature' as const], extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] };
  const templates = createTemplateSource(publicUrl, { crlShards: 4, deltaCrl: true, ocsp: true });
  return async (serial) => {
    const tbs = fillTemplate(templates(authority, usages, serial), {
      serial,
      notBefore: new Date(now),
      notAfter: new Date(now + 86_400_000),
      subject: parseName('CN=device').der,
      spki: spki.der,
      subjectKeyId: subjectKeyIdentifier(spki),
    });
    const der = assembleSigned(tbs, authority.signer.algorithm.der, await authority.signer.sign(tbs));
    return encodePem('CERTIFICATE', der);
  };
}

/** A serial in this part of four. */
function serialIn(index: number): Buffer {
  for (;;) {
    const serial = serialFromRandom(randomBytes(16));
    if (shardOf(serial, 4) === index) return serial;
  }
}

const verify = ['verify', '-x509_strict', '-crl_check', '-CAfile', 'ca'];

test('a certificate names its part first, then the complete CRL, the delta and the responder', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  const authority = await makeAuthority(now);
  const issue = issuing(authority);
  const text = openssl(['x509', '-in', 'leaf', '-noout', '-text'], {
    leaf: await issue(serialIn(2)),
  });
  const uris = [...text.matchAll(/URI:(\S+)/g)].map(([, uri]) => uri);
  assert.deepEqual(uris, [
    'http://ca.example/crl/internal-ca/shards/4/2.crl',
    'http://ca.example/crl/internal-ca.crl',
    'http://ca.example/crl/internal-ca/delta.crl',
    'http://ca.example/ocsp/internal-ca',
    'http://ca.example/ca/internal-ca.crt',
  ]);
  assert.equal(text.match(/Full Name:/g)?.length, 3, 'three distribution points: two CRLs and a delta');
  assert.match(text, /X509v3 Freshest CRL:/);
});

test('openssl takes a part for the certificates that name it, and for no other', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  for (const keyType of ['ec-p256', 'rsa-2048', 'ed25519'] as const) {
    const authority = await makeAuthority(now, { keyType });
    const issue = issuing(authority);
    const revoked = serialIn(1);
    const complete = await completeCrl(authority, [revoked, serialIn(2), serialIn(3)], { now });
    const shards = createCrlShards({
      crls: { current: async () => complete },
      authorities: { get: () => authority },
      publicUrl,
    });
    const part = async (count: number, index: number) =>
      encodePem('X509 CRL', (await shards.current('internal-ca', count, index)).der);
    const files = {
      ca: encodePem('CERTIFICATE', authority.certificate.der),
      complete: await complete.pem(),
      part1: await part(4, 1),
      part2: await part(4, 2),
      half1: await part(2, 1),
      revoked: await issue(revoked),
      good: await issue(serialIn(1)),
      other: await issue(serialIn(2)),
    };
    const check = (crl: string, leaf: string) => openssl([...verify, '-CRLfile', crl, leaf], files);
    assert.equal(check('part1', 'good'), 'good: OK\n', keyType);
    assert.throws(() => check('part1', 'revoked'), /certificate revoked/);
    assert.equal(check('part2', 'other'), 'other: OK\n');
    // The wrong part says nothing of a certificate: not that it is good, though it does not list it.
    assert.throws(() => check('part2', 'good'), /different CRL scope/i);
    assert.throws(() => check('part2', 'revoked'), /different CRL scope/i);
    assert.throws(() => check('part1', 'other'), /different CRL scope/i);
    // Nor does a part of another count, which these certificates do not name.
    assert.throws(() => check('half1', 'good'), /different CRL scope/i);
    // Who does not understand parts takes the whole, as nginx does from the Secret.
    assert.equal(check('complete', 'good'), 'good: OK\n');
    assert.throws(() => check('complete', 'revoked'), /certificate revoked/);
    const text = openssl(['crl', '-in', 'part1', '-noout', '-text', '-CAfile', 'ca'], files);
    assert.match(text, /X509v3 Issuing Distribution Point: critical/);
    assert.match(text, /URI:http:\/\/ca\.example\/crl\/internal-ca\/shards\/4\/1\.crl/);
  }
});

test('openssl adds a delta to the complete CRL where the certificate says that there is one', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  const authority = await makeAuthority(now);
  const issue = issuing(authority);
  const [before, since, good] = [serialIn(0), serialIn(1), serialIn(2)];
  const base = await completeCrl(authority, [before], { now, number: 5n });
  const delta = await completeCrl(authority, [since], { now, number: 6n, deltaBase: 5n });
  const ahead = await completeCrl(authority, [since], { now, number: 9n, deltaBase: 8n });
  const files = {
    ca: encodePem('CERTIFICATE', authority.certificate.der),
    base: await base.pem(),
    withDelta: Buffer.concat([await base.pem(), await delta.pem()]),
    tooNew: Buffer.concat([await base.pem(), await ahead.pem()]),
    before: await issue(before),
    since: await issue(since),
    good: await issue(good),
  };
  const check = (crl: string, leaf: string) =>
    openssl([...verify, '-extended_crl', '-use_deltas', '-CRLfile', crl, leaf], files);
  assert.equal(check('withDelta', 'good'), 'good: OK\n');
  assert.throws(() => check('withDelta', 'before'), /certificate revoked/);
  assert.throws(() => check('withDelta', 'since'), /certificate revoked/);
  assert.equal(check('base', 'since'), 'since: OK\n', 'as the base alone has it');
  assert.equal(check('tooNew', 'since'), 'since: OK\n', 'a delta to a base that is not there is not added');
});
