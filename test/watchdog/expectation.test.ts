import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExpectation } from '../../src/watchdog/expectation.ts';
import { createTestClock } from '../support/clock.ts';

const longest = 360;

function setUp() {
  const clock = createTestClock();
  const table = { number: 1n as bigint | undefined, createdAt: clock.now(), delta: false, away: false };
  const expectation = createExpectation(
    {
      async latest() {
        if (table.away) throw new Error('the database is away');
        if (table.number === undefined) return undefined;
        const { number, createdAt, delta } = table;
        return { number, createdAt: new Date(createdAt), ...(delta && { delta: {} }) } as never;
      },
    },
    [{ name: 'ca' }],
    clock,
    longest,
  );
  return {
    ...{ clock, table, expectation },
    /** What is due after that many seconds, and a look into the table. */
    async after(seconds: number, grace = 60): Promise<bigint | undefined> {
      clock.advance(seconds);
      await expectation.refresh().catch(() => undefined);
      return expectation.due('ca', grace);
    },
  };
}

test('due is what has been there for the grace, of each place its own', async () => {
  const { after, table, expectation } = setUp();
  assert.equal(await after(0), undefined);
  assert.equal(await after(60), 1n);
  table.number = 2n;
  table.createdAt += 3_600_000;
  assert.equal(await after(10), 1n);
  assert.equal(await after(59), 1n);
  assert.equal(await after(1), 2n);
  assert.equal(expectation.due('ca', 360), undefined, 'not even the first has been there so long');
  assert.equal(await after(230, 360), 1n);
  assert.equal(await after(70, 360), 2n);
  assert.equal(expectation.due('another', 60), undefined);
});

test('what was there before us is due by when it was made', async () => {
  const { after, table, clock } = setUp();
  table.createdAt = clock.now() - 300_000;
  assert.equal(await after(0), 1n);
  const other = setUp();
  // By a clock that is ahead of ours.
  other.table.createdAt = other.clock.now() + 3_600_000;
  assert.equal(await other.after(0), undefined);
  assert.equal(await other.after(60), 1n);
});

test('after a restore from a backup nothing of before is due', async () => {
  const { after, table } = setUp();
  table.number = 9n;
  await after(0);
  assert.equal(await after(60), 9n);
  table.number = 5n;
  await after(0);
  assert.notEqual(await after(30), 9n);
  assert.equal(await after(60), 5n);
});

test('while the database is away, what was known stands; without a CRL nothing is due', async () => {
  const { after, table, expectation } = setUp();
  table.delta = true;
  await after(0);
  table.away = true;
  assert.equal(await after(3_600), 1n);
  assert.equal(expectation.hasDelta('ca'), true);
  table.away = false;
  table.delta = false;
  await after(1);
  assert.equal(expectation.hasDelta('ca'), false);
  const none = setUp();
  none.table.number = undefined;
  await none.after(0);
  assert.equal(await none.after(3_600), undefined);
});
