import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createVerifyUrlFor, ingressKeyMatches } from '../../src/verification/verify-url.ts';

const key = Buffer.alloc(32, 7);
const urlFor = createVerifyUrlFor('http://internal-ca.pki.svc:8080', key);

function keyIn(url: string): string {
  return new URL(url).searchParams.get('key') ?? '';
}

test('the URL names the Ingress and carries the HMAC of its name', () => {
  const url = urlFor('shop', 'web.example');
  const mac = createHmac('sha256', key).update('internal-ca verify ingress\nshop/web.example').digest();
  assert.equal(
    url,
    `http://internal-ca.pki.svc:8080/v1/verify?ingress=shop/web.example&key=${mac.toString('base64url')}`,
  );
  // What ingress-nginx 1.12 and newer let an auth-url consist of.
  assert.match(url, /^https?:\/\/[A-Za-z0-9\-._~/:,?&=]+$/);
});

test('the key fits its own Ingress alone', () => {
  const given = keyIn(urlFor('shop', 'web'));
  assert.equal(ingressKeyMatches(key, 'shop/web', given), true);
  assert.equal(ingressKeyMatches(key, 'shop/web2', given), false);
  assert.equal(ingressKeyMatches(key, 'shop2/web', given), false);
  assert.equal(ingressKeyMatches(randomBytes(32), 'shop/web', given), false);
  assert.equal(ingressKeyMatches(key, 'shop/web/x', given), false);
  for (const wrong of ['', 'x', given.slice(0, -2), `${given}AA`, `é${given}`])
    assert.equal(ingressKeyMatches(key, 'shop/web', wrong), false, wrong);
});
