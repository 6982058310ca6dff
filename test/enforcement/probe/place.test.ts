import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, targetsOf } from '../../../src/enforcement/probe/place.ts';
import type { Ingress } from '../../../src/kubernetes/objects.ts';
import { ingress } from '../fixtures.ts';

function withStatus(entry: { ip?: string; hostname?: string }): Ingress {
  return { ...ingress(), status: { loadBalancer: { ingress: [entry] } } };
}

test('the configured address goes before the one in the status', () => {
  assert.deepEqual(addressOf('controller.svc', withStatus({ ip: '192.0.2.7' })), { host: 'controller.svc' });
  const found = addressOf(undefined, withStatus({ ip: '192.0.2.7' }));
  assert.equal('host' in found && found.host, '192.0.2.7');
  const named = addressOf(undefined, withStatus({ hostname: 'lb.example' }));
  assert.equal('host' in named && named.host, 'lb.example');
});

test('without either there is none', () => {
  for (const target of [ingress(), withStatus({}), { ...ingress(), status: { loadBalancer: {} } }]) {
    const found = addressOf(undefined, target);
    assert.equal('code' in found && found.code, 'no-address');
  }
});

test('a status does not lead to this machine or to the metadata of a cloud', () => {
  const ips = [
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '169.254.169.254',
    '::1',
    '::',
    'fe80::1',
    '::ffff:127.0.0.1',
  ];
  for (const ip of ips) {
    const found = addressOf(undefined, withStatus({ ip }));
    assert.equal('code' in found && found.code, 'address-local', ip);
  }
  const found = addressOf(undefined, withStatus({ hostname: 'LocalHost' }));
  assert.equal('code' in found && found.code, 'address-local');
});

test('nor does a name in a status that resolves to this machine', async () => {
  const found = addressOf(undefined, withStatus({ hostname: 'lb.example' }));
  assert.ok('lookup' in found && found.lookup !== undefined);
  const { lookup } = found;
  const code = await new Promise((resolve) =>
    lookup('localhost', {}, (error) => resolve(error === null ? undefined : error.code)),
  );
  assert.equal(code, 'ENOTFOUND');
  const literal = await new Promise((resolve) =>
    lookup('192.0.2.7', { all: true }, (_error, addresses) => resolve(addresses)),
  );
  assert.deepEqual(literal, [{ address: '192.0.2.7', family: 4 }]);
});

test('each host is asked for by its own first path', () => {
  const target = ingress({ hosts: ['A.example'], paths: ['/.well-known/acme-challenge/x', '/shop', '/'] });
  const [one] = targetsOf(['a.example'], target);
  assert.deepEqual(one, { host: 'a.example', serverName: 'a.example', path: '/shop', pathIsWhole: true });
  assert.equal(targetsOf(['gone.example'], target)[0]?.path, '/');
});

test('what only begins like an ACME challenge is asked for', () => {
  for (const path of ['/.well-known/acme-challenge-admin', '/.well-known/acme-challenge/a/b'])
    assert.equal(targetsOf(['a.example'], ingress({ hosts: ['a.example'], paths: [path] }))[0]?.path, path);
});

test('a wildcard is asked for by a name below it', () => {
  const [one] = targetsOf(['*.a.example'], ingress({ hosts: ['*.a.example'] }));
  assert.equal(one?.serverName, 'internal-ca-probe.a.example');
  assert.equal(one?.host, '*.a.example');
});

test('of a pattern only its literal beginning is asked for', () => {
  const patterns = { '/api(/|$)(.*)': '/api', '/v[0-9]+': '/v', '^/x': '/', '/plain': '/plain' };
  for (const [pattern, path] of Object.entries(patterns)) {
    const target = ingress({ paths: [pattern] });
    const rules = (target.spec?.rules ?? []).map((rule) => ({
      ...rule,
      http: {
        paths: (rule.http?.paths ?? []).map((each) => ({
          ...each,
          pathType: 'ImplementationSpecific' as const,
        })),
      },
    }));
    const [one] = targetsOf(['a.example'], { ...target, spec: { ...target.spec, rules } });
    assert.equal(one?.path, path);
    assert.equal(one?.pathIsWhole, path === pattern);
  }
});

test('nothing in a path can end the request line', () => {
  const [one] = targetsOf(['a.example'], ingress({ paths: ['/a b\r\nX: y?q#f%20ü'] }));
  assert.equal(one?.path, '/a%20b%0D%0AX:%20y%3Fq%23f%20%C3%BC');
});
