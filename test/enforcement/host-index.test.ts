import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHostIndex } from '../../src/enforcement/host-index.ts';
import { ingress } from './fixtures.ts';

const concerned = (keys: ReadonlySet<string>) => [...keys].sort();

test('a change concerns those that share a host now, and those that did before', () => {
  const index = createHostIndex();
  index.update('app/one', ingress({ hosts: ['a.example'] }));
  index.update('app/two', ingress({ hosts: ['b.example'] }));
  assert.deepEqual(concerned(index.update('app/web', ingress({ hosts: ['a.example'] }))), [
    'app/one',
    'app/web',
  ]);
  const moved = index.update('app/web', ingress({ hosts: ['b.example'] }));
  assert.deepEqual(concerned(moved), ['app/one', 'app/two', 'app/web']);
  assert.deepEqual(concerned(index.update('app/web', undefined)), ['app/two', 'app/web']);
  assert.deepEqual(concerned(index.update('app/one', ingress({ hosts: ['a.example'] }))), ['app/one']);
});

test('without hosts it concerns nobody else', () => {
  const index = createHostIndex();
  index.update('app/one', ingress({ hosts: [] }));
  assert.deepEqual(concerned(index.update('app/web', ingress({ hosts: [] }))), ['app/web']);
});
