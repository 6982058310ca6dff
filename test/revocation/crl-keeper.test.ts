import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CurrentCrl } from '../../src/revocation/crl-files.ts';
import { type CrlKeeper, type CrlKeeperParts, createCrlKeeper } from '../../src/revocation/crl-keeper.ts';
import type { StoredCrl } from '../../src/store/crls.ts';
import { makeAuthority } from '../support/authority.ts';
import { createTestClock } from '../support/clock.ts';

const clock = createTestClock();
const authority = await makeAuthority(clock.now());
const crl = { number: 1n } as StoredCrl;
const served = {} as CurrentCrl;

function setUp(
  t: TestContext,
  overrides: Partial<CrlKeeperParts> = {},
): { keeper: CrlKeeper; events: string[] } {
  const events: string[] = [];
  const keeper = createCrlKeeper({
    authorities: [authority],
    build: async () => {
      events.push('build');
      return crl;
    },
    files: { refresh: async () => true, current: async () => served, held: () => served },
    clock,
    coalesceSeconds: 3600,
    pollSeconds: 3600,
    onChanged: async () => {
      events.push('changed');
    },
    onBuilt: () => events.push('built'),
    onFailed: (_, error) => events.push(String(error)),
    ...overrides,
  });
  t.after(() => keeper.close());
  return { keeper, events };
}

test('the start builds the first CRL and passes it on', async (t) => {
  const { keeper, events } = setUp(t);
  await keeper.start();
  assert.deepEqual(events, ['build', 'built', 'changed']);
});

test('the start fails when the first CRL cannot be had; later failures are reported and tried again', async (t) => {
  let broken = true;
  const { keeper, events } = setUp(t, {
    build: async () => {
      if (broken) throw new Error('no database');
      return crl;
    },
  });
  await assert.rejects(keeper.start(), /no database/);
  await keeper.maintain();
  broken = false;
  await keeper.maintain();
  assert.deepEqual(events, ['Error: no database', 'built', 'changed']);
});

test('a replica that does not lead waits for the CRL that the leader builds', async (t) => {
  let leaderHasBuilt = false;
  let looks = 0;
  const { keeper, events } = setUp(t, {
    build: async () => undefined,
    files: {
      refresh: async () => {
        looks += 1;
        leaderHasBuilt = looks === 3;
        return leaderHasBuilt;
      },
      current: async () => {
        if (!leaderHasBuilt) throw new Error('not there yet');
        return served;
      },
      held: () => served,
    },
  });
  await keeper.start();
  assert.deepEqual([looks, events], [3, ['changed']]);
});

test('a term begins with a look at what is due, and ends when no build is in progress', async (t) => {
  let open = (): void => undefined;
  const { keeper, events } = setUp(t, {
    build: async () => {
      await new Promise<void>((resolve) => {
        open = resolve;
      });
      return crl;
    },
  });
  await keeper.leaderWork.start({
    epoch: 1n,
    signal: new AbortController().signal,
    assertCurrent: async () => undefined,
  });
  const stopped = keeper.leaderWork.stop().then(() => events.push('stopped'));
  await sleep(5);
  assert.deepEqual(events, []);
  open();
  await stopped;
  assert.deepEqual(
    events.filter((event) => event !== 'changed'),
    ['built', 'stopped'],
  );
});

test('after a build the next one waits for others to join, but not when a key is compromised', async (t) => {
  const { keeper, events } = setUp(t);
  await keeper.maintain();
  events.length = 0;
  keeper.notify(authority.name, false);
  await sleep(30);
  assert.deepEqual(events, []);
  keeper.notify(authority.name, true);
  await sleep(30);
  assert.deepEqual(events, ['build', 'built', 'changed']);
});

test('a revocation that commits during a build causes one more build after it', async (t) => {
  const gates: (() => void)[] = [];
  let builds = 0;
  const { keeper } = setUp(t, {
    build: async () => {
      builds += 1;
      await new Promise<void>((open) => gates.push(open));
      return crl;
    },
  });
  const first = keeper.maintain();
  const others = [keeper.maintain(), keeper.maintain(), keeper.maintain()];
  assert.equal(builds, 1);
  gates.shift()?.();
  await first;
  await sleep(5);
  assert.equal(builds, 2);
  gates.shift()?.();
  await Promise.all(others);
  assert.equal(builds, 2);
});

test('a CRL that another process built is passed on without a build', async (t) => {
  const { keeper, events } = setUp(t, { build: async () => undefined });
  await keeper.maintain();
  assert.deepEqual(events, ['changed']);
});

test('copies that take their time do not hold up the next CRL, and are not asked for twice at once', async (t) => {
  const gates: (() => void)[] = [];
  let publications = 0;
  let ended = false;
  t.after(() => {
    ended = true;
    for (const open of gates) open();
  });
  const { keeper, events } = setUp(t, {
    onChanged: async () => {
      publications += 1;
      if (!ended) await new Promise<void>((open) => gates.push(open));
    },
  });
  for (let revocation = 0; revocation < 3; revocation++) {
    keeper.notify(authority.name, true);
    await sleep(20);
  }
  assert.deepEqual(events, ['build', 'built', 'build', 'built', 'build', 'built']);
  assert.equal(publications, 1);
  gates.shift()?.();
  await sleep(5);
  assert.equal(publications, 2, 'one more, with the newest');
  gates.shift()?.();
  await sleep(5);
  assert.equal(publications, 2);
});

test('copies that cannot be carried are reported', async (t) => {
  const { keeper, events } = setUp(t, {
    onChanged: async () => {
      throw new Error('not fit');
    },
  });
  await keeper.maintain();
  assert.deepEqual(events, ['build', 'built', 'Error: not fit']);
});

test('what could not be passed on is tried again in the next round, without a new CRL', async (t) => {
  let broken = true;
  let passed = 0;
  let fresh = true;
  const { keeper, events } = setUp(t, {
    build: async () => undefined,
    files: {
      refresh: async () => {
        const was = fresh;
        fresh = false;
        return was;
      },
      current: async () => served,
      held: () => served,
    },
    onChanged: async () => {
      if (broken) throw new Error('no copy');
      passed += 1;
    },
  });
  await keeper.maintain();
  assert.deepEqual([events, passed], [['Error: no copy'], 0]);
  broken = false;
  await keeper.maintain();
  await keeper.maintain();
  assert.equal(passed, 1);
});

test('a leader that has just started reads the present CRL before it builds, and passes it on when none is due', async (t) => {
  const events: string[] = [];
  let held: CurrentCrl | undefined;
  const { keeper } = setUp(t, {
    build: async () => {
      events.push(`build, with ${held === undefined ? 'none' : 'the present one'} at hand`);
      return undefined;
    },
    files: {
      refresh: async () => {
        const isNew = held === undefined;
        held = served;
        return isNew;
      },
      current: async () => served,
      held: () => held,
    },
    onChanged: async () => {
      events.push('changed');
    },
  });
  await keeper.maintain();
  await keeper.maintain();
  assert.deepEqual(events, [
    'build, with the present one at hand',
    'changed',
    'build, with the present one at hand',
  ]);
});
