import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../src/observability/logger.ts';
import { redactNames } from '../../src/observability/redact-names.ts';

test('the values of secret names go, in three levels and in arrays; the rest stays', () => {
  const members = {
    a: 1,
    token: 'x',
    b: { key: 'x', c: { pem: Buffer.from('x'), d: null } },
    list: [{ csr: 'x' }, 2],
  };
  assert.deepEqual(redactNames(members), {
    a: 1,
    token: '[redacted]',
    b: { key: '[redacted]', c: { pem: '[redacted]', d: null } },
    list: [{ csr: '[redacted]' }, 2],
  });
});

test('what was given is not changed, and not copied where nothing is secret', () => {
  const secret = { a: { token: 'x' } };
  redactNames(secret);
  assert.deepEqual(secret, { a: { token: 'x' } });
  const open = { a: 1, when: new Date(0), list: [1, { b: 2 }], nothing: undefined };
  assert.equal(redactNames(open), open);
});

test('an object that holds itself is no endless loop', () => {
  const loop: { self?: object; key: string } = { key: 'x' };
  loop.self = loop;
  const clean = redactNames(loop);
  assert.equal(clean.key, '[redacted]');
});

test('the bindings of a child logger are held to the same names', () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => lines.push(line) } });
  log.child({ token: 'hunter2', requestId: 'r' }).info('done');
  assert.match(lines[0] ?? '', /"token":"\[redacted\]","requestId":"r"/);
});
