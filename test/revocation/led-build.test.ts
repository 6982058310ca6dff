import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../src/fault.ts';
import type { Term } from '../../src/leadership/leadership.ts';
import { createLedBuild } from '../../src/revocation/led-build.ts';
import type { StoredCrl } from '../../src/store/crls.ts';
import { NotLeading } from '../../src/store/leadership.ts';
import { makeAuthority } from '../support/authority.ts';

const authority = await makeAuthority(Date.UTC(2026, 10, 23));
const crl = { number: 1n } as StoredCrl;
const present: Term = {
  epoch: 7n,
  signal: new AbortController().signal,
  assertCurrent: async () => undefined,
};

function setUp(answer: () => StoredCrl | undefined) {
  const epochs: bigint[] = [];
  const resigned: string[] = [];
  const leadership: { term: Term | undefined; resign(reason: string): void } = {
    term: present,
    resign: (reason) => resigned.push(reason),
  };
  const build = createLedBuild({
    leadership,
    build: async (_, { epoch }) => {
      epochs.push(epoch);
      return answer();
    },
  });
  return { leadership, build, epochs, resigned };
}

const failing = (error: unknown) => (): never => {
  throw error;
};

test('the leader builds in its term, and nobody else does', async () => {
  const { leadership, build, epochs } = setUp(() => crl);
  assert.equal(await build(authority), crl);
  leadership.term = undefined;
  assert.equal(await build(authority), undefined);
  assert.deepEqual(epochs, [7n]);
});

test('a term that ended meanwhile is no failure: the next leader builds', async () => {
  const { build, resigned } = setUp(failing(new NotLeading(7n)));
  for (let rounds = 0; rounds < 10; rounds++) assert.equal(await build(authority), undefined);
  assert.deepEqual(resigned, []);
});

test('a leader that fails three times in a row gives its place away', async () => {
  let broken = true;
  const { build, resigned } = setUp(() => (broken ? failing(new Error('the key is gone'))() : crl));
  const fail = (): Promise<void> => assert.rejects(build(authority), /the key is gone/);
  await fail();
  await fail();
  broken = false;
  await build(authority);
  broken = true;
  await fail();
  await fail();
  assert.deepEqual(resigned, []);
  await fail();
  assert.equal(resigned.length, 1);
});

test('a database that is away is no reason to: others fare no better', async () => {
  const { build, resigned } = setUp(failing(new Fault('database-unavailable', 'away')));
  for (let rounds = 0; rounds < 10; rounds++)
    await assert.rejects(build(authority), { code: 'database-unavailable' });
  assert.deepEqual(resigned, []);
});
