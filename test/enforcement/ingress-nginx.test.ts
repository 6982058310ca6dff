import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ingressNginx } from '../../src/enforcement/adapters/ingress-nginx.ts';
import { codes, ingress, plan, prefixed } from './fixtures.ts';

test('an ordinary Ingress gets exactly these annotations, and nothing to complain about', () => {
  const result = plan(ingress());
  assert.deepEqual(result, {
    hosts: ['a.example'],
    annotations: prefixed({
      'auth-tls-secret': 'app/internal-ca',
      'auth-tls-verify-client': 'on',
      'auth-tls-verify-depth': '1',
      'auth-tls-pass-certificate-to-upstream': 'true',
      'force-ssl-redirect': 'true',
    }),
    reasons: [],
    onlineReasons: [],
    warnings: [],
    revocationEnforced: true,
    wholeHost: false,
  });
});

test('the depth counts intermediates, and is never less than the controller can read', () => {
  const depth = (intermediates: number) =>
    plan(ingress(), { intermediates }).annotations['nginx.ingress.kubernetes.io/auth-tls-verify-depth'];
  assert.deepEqual([0, 1, 2, 3].map(depth), ['1', '1', '2', '3']);
});

test('optional asks without insisting; the certificate can be kept from the upstream', () => {
  const { annotations } = plan(ingress(), { settings: { mode: 'optional', passCertificate: false } });
  assert.equal(annotations['nginx.ingress.kubernetes.io/auth-tls-verify-client'], 'optional');
  assert.equal(annotations['nginx.ingress.kubernetes.io/auth-tls-pass-certificate-to-upstream'], 'false');
});

test('off is written down, keeps the Secret, and claims nothing', () => {
  const result = plan(ingress({ tlsHosts: [] }), { settings: { mode: 'off' } });
  assert.deepEqual(result.reasons, []);
  assert.equal(result.revocationEnforced, false);
  assert.deepEqual(
    result.annotations,
    prefixed({ 'auth-tls-secret': 'app/internal-ca', 'auth-tls-verify-client': 'off' }),
  );
});

test('the optional wishes are written only when asked for', () => {
  const settings = { errorPage: 'https://help.example/no-certificate', matchCommonName: 'alice' };
  const { annotations, reasons } = plan(ingress(), { settings });
  assert.deepEqual(reasons, []);
  assert.equal(annotations['nginx.ingress.kubernetes.io/auth-tls-error-page'], settings.errorPage);
  assert.match(annotations['nginx.ingress.kubernetes.io/auth-tls-match-cn'] ?? '', /^CN=.*CN=alice/);
});

test('every reason is given at once, not only the first', () => {
  const bad = ingress({ tlsHosts: [], annotations: { canary: 'true', 'ssl-passthrough': 'true' } });
  const result = plan(bad, { settings: { errorPage: 'not a page', matchCommonName: 'a,b' } });
  assert.deepEqual(codes(result.reasons), [
    'match-common-name-invalid',
    'error-page-invalid',
    'tls-missing',
    'canary',
    'ssl-passthrough',
  ]);
});

test('what somebody else set and we do not touch is reported', () => {
  const { warnings } = plan(ingress({ annotations: { 'auth-tls-match-cn': 'CN=bob' } }));
  assert.deepEqual(codes(warnings), ['annotation-inherited']);
});

test('both strings of ingress-nginx are served, others are not', () => {
  assert.equal(ingressNginx.serves('k8s.io/ingress-nginx'), true);
  assert.equal(ingressNginx.serves('webapprouting.kubernetes.azure.com/nginx'), true);
  assert.equal(ingressNginx.serves('nginx.org/ingress-controller'), false);
});
