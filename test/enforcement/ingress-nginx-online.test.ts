import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VerificationSettings } from '../../src/enforcement/verification.ts';
import { codes, ingress, type PlanOptions, plan, prefix, verifyUrlFor } from './fixtures.ts';

const online = (options: PlanOptions = {}, settings: Partial<VerificationSettings> = {}): PlanOptions => ({
  ...options,
  settings: { revocation: 'online', ...settings },
});

test('online adds where to ask, and takes the names of who it is out of the client’s hands', () => {
  for (const revocation of ['online', 'both'] as const) {
    const result = plan(ingress(), { settings: { revocation } });
    assert.deepEqual([result.reasons, result.warnings, result.wholeHost], [[], [], true]);
    const {
      [`${prefix}auth-url`]: url,
      [`${prefix}auth-response-headers`]: headers,
      ...rest
    } = result.annotations;
    assert.equal(url, verifyUrlFor('app', 'web'));
    // The controller's own pattern for the list, HeadersVariable.
    assert.match(headers ?? '', /^[A-Za-z0-9-_, ]*$/);
    assert.ok(headers?.split(',').includes('x-client-serial'));
    assert.deepEqual(rest, plan(ingress()).annotations);
    assert.equal(result.revocationEnforced, true);
  }
});

test('crl writes nothing of it, and asks about nothing', () => {
  const result = plan(ingress(), { config: { 'global-auth-url': 'http://sso.example' } });
  assert.deepEqual([result.reasons, result.onlineReasons, result.wholeHost], [[], [], false]);
  assert.equal(`${prefix}auth-url` in result.annotations, false);
});

test('rules of whom to let in need somebody who knows them', () => {
  const allow = [{ commonName: 'alice' }];
  assert.deepEqual(codes(plan(ingress(), { settings: { allow } }).reasons), ['allow-needs-online']);
  assert.deepEqual(plan(ingress(), online({}, { allow })).reasons, []);
});

test('without an address of ours, a certificate to see, or anybody to be asked for one, it cannot be', () => {
  const reasons = (options: PlanOptions) => codes(plan(ingress(), options).reasons);
  assert.deepEqual(reasons(online({ verifyUrlFor: null })), ['verify-url-unset']);
  assert.deepEqual(reasons(online({}, { passCertificate: false })), ['online-needs-certificate']);
  assert.deepEqual(reasons(online({}, { mode: 'off' })), ['online-needs-verification']);
  assert.deepEqual(reasons(online({}, { mode: 'optional' })), []);
});

for (const [name, value] of [
  ['auth-url', 'https://sso.example/auth'],
  ['auth-method', 'POST'],
  ['auth-signin', 'https://sso.example/start'],
  ['auth-snippet', 'proxy_set_header X-A b;'],
  ['auth-proxy-set-headers', 'app/headers'],
  ['auth-cache-key', '$remote_user'],
  ['auth-keepalive', '8'],
] as const) {
  test(`${name} of somebody else is in the way`, () => {
    const target = ingress({ annotations: { [name]: value } });
    assert.deepEqual(codes(plan(target, online()).reasons), ['auth-annotation-in-the-way']);
    assert.deepEqual(plan(target).reasons, []);
  });
}

test('what lets in without us, or replaces somebody else’s check, is refused', () => {
  const satisfied = ingress({ annotations: { satisfy: 'any' } });
  assert.deepEqual(codes(plan(satisfied, online()).reasons), ['satisfy-any']);
  assert.deepEqual(plan(ingress({ annotations: { satisfy: 'all' } }), online()).reasons, []);
  const config = { 'global-auth-url': 'http://sso.example' };
  assert.deepEqual(codes(plan(ingress(), online({ config })).reasons), ['global-auth-replaced']);
  const without = ingress({ annotations: { 'enable-global-auth': 'false' } });
  assert.deepEqual(plan(without, online({ config })).reasons, []);
});

test('the risk level must allow auth-url', () => {
  const reasons = (level: string) =>
    codes(plan(ingress(), online({ config: { 'annotations-risk-level': level } })).reasons);
  assert.deepEqual(reasons('High'), []);
  assert.deepEqual(reasons('Medium'), ['annotations-risk-level']);
});

test('pages for refusals were taken for our answer; pages for failures are a doubt', () => {
  const config = (pages: string) => online({ config: { 'custom-http-errors': pages } });
  assert.deepEqual(codes(plan(ingress(), config('404,403')).reasons), ['custom-errors']);
  assert.deepEqual(codes(plan(ingress(), config('401')).reasons), ['custom-errors']);
  const doubtful = plan(ingress(), config('404, 503'));
  assert.deepEqual([codes(doubtful.reasons), codes(doubtful.warnings)], [[], ['custom-errors-doubtful']]);
  assert.deepEqual(plan(ingress(), config('404')).warnings, []);
  const own = ingress({ annotations: { 'custom-http-errors': '403,404' } });
  assert.deepEqual(codes(plan(own, online()).warnings), ['refusal-hidden']);
});

test('snippets that decide on access are refused: of this Ingress, and a server’s of any', () => {
  const says = (name: string, snippet: string) => ingress({ annotations: { [name]: snippet } });
  for (const snippet of [
    'auth_request off;',
    'satisfy any;',
    'error_page 403 =200 /ok;',
    'access_by_lua_block {}',
  ]) {
    const target = says('configuration-snippet', snippet);
    assert.deepEqual(codes(plan(target, online()).reasons), ['snippet-interferes'], snippet);
    assert.deepEqual(codes(plan(target, online({ config: {} })).reasons), [], 'they are dropped');
  }
  const other = (name: string) =>
    ingress({
      name: 'other',
      paths: ['/o'],
      annotations: { [name]: 'satisfy any;', 'auth-url': verifyUrlFor('app', 'other') },
    });
  const reasons = (name: string) => codes(plan(ingress(), online({ others: [other(name)] })).reasons);
  assert.deepEqual(reasons('server-snippet'), ['snippet-interferes']);
  assert.deepEqual(reasons('configuration-snippet'), []);
});

test('snippets of the controller that decide on access are refused where it asks us', () => {
  for (const name of ['http-snippet', 'server-snippet', 'location-snippet']) {
    const input = { ...online(), config: { [name]: 'satisfy any;' } };
    assert.deepEqual(codes(plan(ingress(), input).reasons), ['snippet-interferes'], name);
    assert.deepEqual(plan(ingress(), { config: { [name]: 'satisfy any;' } }).reasons, [], name);
  }
});

test('paths of the host that do not ask: a reason for online, a warning beside the CRL', () => {
  const other = ingress({ name: 'other', paths: ['/o'] });
  const alone = plan(ingress(), online({ others: [other] }));
  assert.deepEqual([codes(alone.reasons), alone.wholeHost], [['host-path-not-asked'], false]);
  const both = plan(ingress(), { others: [other], settings: { revocation: 'both' } });
  assert.deepEqual([both.reasons, both.wholeHost], [[], false]);
  assert.ok(codes(both.warnings).includes('host-path-not-asked'));
  const asking = ingress({
    name: 'other',
    paths: ['/o'],
    annotations: { 'auth-url': verifyUrlFor('app', 'other') },
  });
  assert.deepEqual(plan(ingress(), online({ others: [asking] })).wholeHost, true);
  // The URL of another Ingress is that Ingress's: its rules and its key.
  const borrowed = ingress({
    name: 'other',
    paths: ['/o'],
    annotations: { 'auth-url': verifyUrlFor('app', 'web') },
  });
  assert.deepEqual(plan(ingress(), online({ others: [borrowed] })).wholeHost, false);
});

test('a canary has no paths of its own, and ACME challenges are for everybody', () => {
  const canary = ingress({ name: 'canary', annotations: { canary: 'true' } });
  const solver = ingress({ name: 'cm-acme', paths: ['/.well-known/acme-challenge/x'] });
  assert.deepEqual(plan(ingress(), online({ others: [canary] })).wholeHost, true);
  const beside = plan(ingress(), online({ others: [solver] }));
  assert.equal(codes(beside.reasons).includes('host-path-not-asked'), false);
  assert.equal(beside.wholeHost, true);
});

test('locations that the controller asks nobody about count, but for ACME', () => {
  const config = { 'no-auth-locations': '/.well-known/acme-challenge, /open' };
  const open = plan(ingress({ paths: ['/', '/open/a'] }), online({ config }));
  assert.deepEqual([codes(open.reasons), open.wholeHost], [['no-auth-location'], false]);
  assert.deepEqual(plan(ingress(), online({ config })).reasons, []);
});

test('who turns our probe away by its name is told that nothing can be proven', () => {
  const { warnings } = plan(ingress(), online({}, { matchCommonName: 'alice' }));
  assert.ok(codes(warnings).includes('online-not-provable'));
});
