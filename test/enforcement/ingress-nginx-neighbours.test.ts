import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBefore } from '../../src/enforcement/adapters/ingress-nginx/neighbours.ts';
import { codes, type IngressOptions, ingress, ingressClass, nginxClass, plan, prefixed } from './fixtures.ts';

const older = { creationTimestamp: '2026-01-01T00:00:00Z' };
const younger = { creationTimestamp: '2026-01-03T00:00:00Z' };
const ourPolicy = {
  'auth-tls-secret': 'app/internal-ca',
  'auth-tls-verify-client': 'on',
  'auth-tls-pass-certificate-to-upstream': 'true',
  'force-ssl-redirect': 'true',
};

function withPolicy(annotations: Record<string, string>, age: { creationTimestamp: string }) {
  return ingress({ name: 'other', metadata: { ...age, annotations: prefixed(annotations) } });
}

test('an older Ingress of the host with another CA wins, so it is refused', () => {
  const others = [withPolicy({ 'auth-tls-secret': 'app/their-ca' }, older)];
  const { reasons } = plan(ingress(), { others });
  assert.deepEqual(codes(reasons), ['host-policy-conflict']);
  assert.match(reasons[0]?.detail ?? '', /app\/other .*a\.example.*auth-tls-secret.*older/);
});

test('a younger one with another CA would be overruled, so it is refused as well', () => {
  const others = [withPolicy({ 'auth-tls-secret': 'app/their-ca' }, younger)];
  const { reasons } = plan(ingress(), { others });
  assert.deepEqual(codes(reasons), ['host-policy-conflict']);
  assert.match(reasons[0]?.detail ?? '', /younger/);
});

test('a neighbour with exactly our policy is no conflict', () => {
  const { reasons, warnings } = plan(ingress(), { others: [withPolicy(ourPolicy, older)] });
  assert.deepEqual(reasons, []);
  assert.deepEqual(codes(warnings), ['host-shared']);
});

test('in another namespace, too, when it names the copy there', () => {
  const annotations = prefixed({ ...ourPolicy, 'auth-tls-secret': 'shop/internal-ca' });
  const others = [ingress({ name: 'other', namespace: 'shop', metadata: { annotations } })];
  assert.deepEqual(plan(ingress(), { others }).reasons, []);
});

for (const [name, value] of [
  ['auth-tls-verify-client', 'optional'],
  ['auth-tls-verify-depth', '2'],
  ['auth-tls-error-page', '/sorry'],
  ['auth-tls-match-cn', 'CN=bob'],
  ['auth-tls-pass-certificate-to-upstream', 'false'],
] as const) {
  test(`a neighbour of ours that differs in ${name} is a conflict`, () => {
    const others = [withPolicy({ ...ourPolicy, [name]: value }, older)];
    const { reasons } = plan(ingress(), { others });
    assert.deepEqual(codes(reasons), ['host-policy-conflict']);
    assert.match(reasons[0]?.detail ?? '', new RegExp(name));
  });
}

test('a neighbour without a policy gets ours, which is said', () => {
  const { reasons, warnings } = plan(ingress(), { others: [ingress({ name: 'other' })] });
  assert.deepEqual(reasons, []);
  assert.deepEqual(codes(warnings), ['host-shared']);
});

test('other hosts do not matter', () => {
  const others = [
    ingress({ name: 'other', hosts: ['b.example'], annotations: { 'ssl-passthrough': 'true' } }),
  ];
  assert.deepEqual(plan(ingress(), { others }), plan(ingress()));
});

test('an Ingress of another controller is no conflict, but another door', () => {
  const classes = [nginxClass, ingressClass('haproxy', 'haproxy.org/ingress-controller')];
  const annotations = prefixed({ 'auth-tls-secret': 'app/their-ca' });
  const others = [
    ingress({ name: 'other', metadata: { annotations }, spec: { ingressClassName: 'haproxy' } }),
  ];
  const { reasons, warnings } = plan(ingress(), { others, classes });
  assert.deepEqual(reasons, []);
  assert.deepEqual(codes(warnings), ['host-on-other-controller']);
});

test('a neighbour that is not redirected leaves its paths open over plain HTTP', () => {
  const others = [ingress({ name: 'other', paths: ['/open'], annotations: { 'ssl-redirect': 'false' } })];
  assert.deepEqual(codes(plan(ingress(), { others }).reasons), ['plain-http-neighbour']);
  assert.deepEqual(plan(ingress(), { others, settings: { mode: 'optional' } }).reasons, []);
  assert.deepEqual(plan(ingress(), { others, settings: { matchCommonName: '*' } }).reasons, []);
  const forced = [
    ingress({ name: 'other', annotations: { 'ssl-redirect': 'false', 'force-ssl-redirect': 'true' } }),
  ];
  assert.deepEqual(plan(ingress(), { others: forced }).reasons, []);
});

test('so does the ConfigMap, unless the neighbour says otherwise', () => {
  const config = { 'ssl-redirect': 'false' };
  assert.deepEqual(codes(plan(ingress(), { others: [ingress({ name: 'other' })], config }).reasons), [
    'plain-http-neighbour',
  ]);
  const others = [ingress({ name: 'other', annotations: { 'ssl-redirect': 'true' } })];
  assert.deepEqual(plan(ingress(), { others, config }).reasons, []);
});

test("a neighbour's ssl-passthrough bypasses the whole host", () => {
  const others = [ingress({ name: 'other', annotations: { 'ssl-passthrough': 'true' } })];
  assert.deepEqual(codes(plan(ingress(), { others }).reasons), ['ssl-passthrough']);
});

test('of two Ingresses made in the same second the later name comes first', () => {
  const [a, b] = [ingress({ name: 'a' }), ingress({ name: 'b' })];
  assert.equal(isBefore(b, a), true);
  assert.equal(isBefore(a, b), false);
  assert.equal(isBefore(ingress({ metadata: older }), ingress()), true);
});

const challenge = '/.well-known/acme-challenge/hTtPs_token-1';
const solver = (options: IngressOptions = {}) =>
  ingress({
    name: 'cm-acme-http-solver',
    paths: [challenge],
    annotations: { 'ssl-redirect': 'false' },
    ...options,
  });

test("an ACME solver's Ingress leaves the host safe", () => {
  assert.deepEqual(plan(ingress(), { others: [solver()] }).reasons, []);
  const location = solver({ paths: ['/.well-known/acme-challenge', '/.well-known/acme-challenge/'] });
  assert.deepEqual(plan(ingress(), { others: [location] }).reasons, []);
});

const notSolvers: Readonly<Record<string, IngressOptions>> = {
  'a path beside the challenge': { paths: [challenge, '/open'] },
  'a path that only begins like one': { paths: ['/.well-known/acme-challenge-open'] },
  'a path with an alternative': { paths: ['/.well-known/acme-challenge/x|/admin'] },
  'a path with dot segments': { paths: ['/.well-known/acme-challenge/../admin'] },
  'a rewrite': { annotations: { 'ssl-redirect': 'false', 'rewrite-target': '/admin' } },
  'regular expressions': { annotations: { 'ssl-redirect': 'false', 'use-regex': 'true' } },
  'no path': { paths: [] },
};
for (const [what, options] of Object.entries(notSolvers)) {
  test(`an Ingress with ${what} is no ACME solver`, () => {
    const { reasons } = plan(ingress(), { others: [solver(options)] });
    assert.deepEqual(codes(reasons), ['plain-http-neighbour']);
  });
}

test('an Ingress with a default backend is no ACME solver', () => {
  const spec = { ...solver().spec, defaultBackend: { service: { name: 'web' } } };
  assert.deepEqual(codes(plan(ingress(), { others: [solver({ spec })] }).reasons), ['plain-http-neighbour']);
});

test('an alias below a wildcard keeps the policy of its own Ingress, which is said', () => {
  const others = [
    ingress({ name: 'other', hosts: ['b.example'], annotations: { 'server-alias': 'c.test, A.X.example' } }),
  ];
  const { reasons, warnings } = plan(ingress({ hosts: ['*.x.example'] }), { others });
  assert.deepEqual([reasons, codes(warnings)], [[], ['wildcard-not-covering']]);
});

test('a server-snippet elsewhere that names our host is refused', () => {
  const named = (hosts: string[], snippet: string, options = {}) =>
    codes(
      plan(ingress({ hosts }), {
        others: [ingress({ name: 'other', hosts: ['b.test'], annotations: { 'server-snippet': snippet } })],
        ...options,
      }).reasons,
    );
  assert.deepEqual(named(['*.x.example'], 'server_name "A.x.example";'), ['snippet-interferes']);
  assert.deepEqual(named(['*.x.example'], 'gzip on;\n server_name q.test  a.b.x.example;'), [
    'snippet-interferes',
  ]);
  assert.deepEqual(named(['a.example'], 'server_name a.example;'), ['snippet-interferes']);
  assert.deepEqual(named(['a.example'], 'server_name c.example;'), []);
  assert.deepEqual(named(['a.example'], 'more_set_headers "X: server_name a.example";'), []);
  assert.deepEqual(named(['a.example'], 'server_name a.example;', { config: {} }), []);
});
