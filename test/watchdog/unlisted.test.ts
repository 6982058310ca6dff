import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUnlisted } from '../../src/watchdog/unlisted.ts';
import { createTestClock } from '../support/clock.ts';

const name = 'internal-ca';

function setUp() {
  const clock = createTestClock();
  const database = { away: false, number: 1n as bigint | undefined, pending: 0 };
  const asking = () => {
    if (database.away) throw new Error('the database is away');
  };
  const unlisted = createUnlisted({
    authorities: [{ name }],
    crls: {
      async latest() {
        asking();
        return database.number === undefined ? undefined : ({ number: database.number } as never);
      },
    },
    revocations: {
      async pending() {
        asking();
        return { count: database.pending, compromised: false };
      },
    },
    clock,
  });
  return {
    ...{ clock, database, known: () => [...unlisted.list()].map(({ seconds }) => seconds) },
    /** What is known after another round, some seconds later. */
    async after(seconds: number): Promise<number | undefined> {
      clock.advance(seconds);
      await unlisted.refresh().catch(() => undefined);
      const [only, ...others] = unlisted.list();
      assert.deepEqual(others, []);
      return only?.seconds;
    },
  };
}

test('how long a revocation is on no CRL, as far as it was seen to last', async () => {
  const { after, database, known, clock } = setUp();
  assert.equal(await after(300), 0);
  database.pending = 3;
  assert.equal(await after(300), 0, 'it may be of this second');
  assert.equal(await after(300), 300);
  assert.equal(await after(300), 600);
  clock.advance(200);
  assert.deepEqual(known(), [600], 'what has come since was not looked at');
  database.pending = 0;
  assert.equal(await after(300), 0);
});

test('where CRLs go on being made there are always some that wait for the next', async () => {
  const { after, database } = setUp();
  database.pending = 1;
  for (let number = 2n; number < 9n; number += 1n) {
    database.number = number;
    assert.equal(await after(300), 0);
  }
  assert.equal(await after(300), 300);
  database.number = undefined;
  assert.equal(await after(1), 0);
  assert.equal(await after(300), 300, 'nor is there a first one');
});

test('an outage of the database counts for nothing, nor does a clock that was set', async () => {
  const { after, database, clock } = setUp();
  database.pending = 1;
  await after(0);
  assert.equal(await after(300), 300);
  database.away = true;
  assert.equal(await after(3_600), 0);
  database.away = false;
  assert.equal(await after(1), 0, 'it was not known, and nobody could have built');
  assert.equal(await after(60), 60);
  clock.advance(-86_400);
  assert.equal(await after(0), 0);
  assert.equal(await after(60), 60);
});
