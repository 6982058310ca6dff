import assert from 'node:assert/strict';
import { test } from 'node:test';
import { covers } from '../../src/enforcement/adapters/ingress-nginx/hosts.ts';
import { codes, ingress, plan } from './fixtures.ts';

test('each host needs spec.tls, whatever its case', () => {
  const partly = plan(ingress({ hosts: ['a.example', 'b.example'], tlsHosts: ['A.Example'] }));
  assert.deepEqual(codes(partly.reasons), ['tls-missing']);
  assert.match(partly.reasons[0]?.detail ?? '', /b\.example/);
  assert.deepEqual(plan(ingress({ hosts: ['A.example'], tlsHosts: ['a.example'] })).reasons, []);
});

test('a wildcard in spec.tls covers one label', () => {
  assert.deepEqual(plan(ingress({ hosts: ['a.x.example'], tlsHosts: ['*.x.example'] })).reasons, []);
  assert.deepEqual(codes(plan(ingress({ hosts: ['a.b.x.example'], tlsHosts: ['*.x.example'] })).reasons), [
    'tls-missing',
  ]);
  assert.deepEqual(codes(plan(ingress({ hosts: ['x.example'], tlsHosts: ['*.x.example'] })).reasons), [
    'tls-missing',
  ]);
});

test('a wildcard host needs the same wildcard in spec.tls', () => {
  assert.deepEqual(plan(ingress({ hosts: ['*.x.example'] })).reasons, []);
  assert.deepEqual(codes(plan(ingress({ hosts: ['*.x.example'], tlsHosts: ['*.example'] })).reasons), [
    'tls-missing',
  ]);
  assert.equal(covers('*.example', '*.example'), true);
  assert.equal(covers('*.example', '*.x.example'), false);
});

test('an exact host under our wildcard keeps its own policy, which is said', () => {
  const exact = ingress({ name: 'exact', hosts: ['a.x.example'] });
  const { reasons, warnings } = plan(ingress({ hosts: ['*.x.example'] }), { others: [exact] });
  assert.deepEqual(reasons, []);
  assert.deepEqual(codes(warnings), ['wildcard-not-covering']);
  assert.match(warnings[0]?.detail ?? '', /a\.x\.example is served by app\/exact/);
});

test('a rule without a host is the default server', () => {
  const rules = [{ http: { paths: [] } }, ...(ingress().spec?.rules ?? [])];
  assert.deepEqual(codes(plan(ingress({ spec: { rules } })).reasons), ['catch-all-host']);
});

test('an Ingress without rules is the default for every host', () => {
  const spec = { rules: [], defaultBackend: { service: { name: 'web' } } };
  assert.deepEqual(codes(plan(ingress({ spec })).reasons), ['no-host']);
});

test('a host without paths would be passed over by the controller', () => {
  const rules = [{ host: 'a.example' }];
  assert.deepEqual(codes(plan(ingress({ spec: { rules } })).reasons), ['rule-without-paths']);
});

test('a server-alias that beats our name in nginx is refused, and one that does not is not', () => {
  const taken = (host: string, alias: string) => {
    const annotations = { 'server-alias': alias };
    const others = [ingress({ name: 'other', hosts: ['b.test'], annotations })];
    return codes(plan(ingress({ hosts: [host] }), { others }).reasons);
  };
  // The controller passes over an alias that is a host to the letter, and nginx compares without regard to case.
  assert.deepEqual(taken('a.x.example', 'A.x.example'), ['host-taken-by-alias']);
  assert.deepEqual(taken('a.x.example', 'a.x.example'), []);
  assert.deepEqual(taken('a.x.example', '.a.x.example'), ['host-taken-by-alias']);
  assert.deepEqual(taken('a.x.example', '~^.*$'), []);
  for (const alias of ['.x.example', '*.example', '~.', '~^.+\\.example$', '~^a|b\\.test$', 'www.*'])
    assert.deepEqual(taken('*.x.example', alias), ['host-taken-by-alias'], alias);
  for (const alias of ['*.x.example', '*.y.example', '~^.+\\.y\\.example$', 'x.example', '.b.x.example.test'])
    assert.deepEqual(taken('*.x.example', alias), [], alias);
});
