import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { createTestDatabase, restartableDatabase } from '../support/database.ts';

/** So many octets, of every value: none of them may be taken for something else on the way. */
const octets = (length: number) =>
  `select string_agg(sha256(int4send(n)), ''::bytea order by n) from generate_series(1, ${length / 32}) as n`;

function expected(length: number): string {
  const hash = createHash('sha256');
  for (let n = 1; n <= length / 32; n += 1) {
    const number = Buffer.alloc(4);
    number.writeInt32BE(n);
    hash.update(createHash('sha256').update(number).digest());
  }
  return hash.digest('hex');
}

const digest = (value: Buffer | undefined) =>
  createHash('sha256')
    .update(value ?? assert.fail())
    .digest('hex');

test('a value arrives whole, and stays as it was when others follow on the same connection', async (t) => {
  const { db } = await createTestDatabase(t);
  await db.transaction(async (tx) => {
    const sizes = [32, 3_200_000, 64, 640_000, 96];
    const values: (Buffer | undefined)[] = [];
    for (const size of sizes) values.push(await tx.copyOut(octets(size)));
    assert.deepEqual(values.map(digest), sizes.map(expected));
  });
  assert.equal(digest(await db.copyOut(octets(320))), expected(320));
});

test('nothing, an empty value and one of a single octet are told apart', async (t) => {
  const { db } = await createTestDatabase(t);
  assert.equal(await db.copyOut('select null::bytea'), undefined);
  assert.equal(await db.copyOut(`select ''::bytea where false`), undefined);
  assert.deepEqual(await db.copyOut(`select ''::bytea`), Buffer.alloc(0));
  assert.deepEqual(await db.copyOut(`select '\\xff'::bytea`), Buffer.of(0xff));
});

test('more than one value is an error, and so is what the server refuses; the connection goes on', async (t) => {
  const { db } = await createTestDatabase(t);
  const several = [
    `select ''::bytea, ''::bytea`,
    `select ''::bytea from generate_series(1, 2)`,
    `select null::bytea from generate_series(1, 2)`,
  ];
  for (const query of several) await assert.rejects(db.copyOut(query), /Not one bytea/);
  await assert.rejects(db.copyOut('select none from nothing'), { code: '42P01' });
  // After the first rows have been sent.
  const late = `select set_byte('\\x00'::bytea, n / 2000, 0) from generate_series(1, 2000) as n`;
  await assert.rejects(db.copyOut(late), { code: '2202E' });
  await assert.rejects(
    db.transaction(async (tx) => {
      await tx.copyOut('select none from nothing').catch(() => undefined);
    }),
    { code: '42P01' },
    'a transaction in which it failed does not commit',
  );
  assert.deepEqual(await db.copyOut(`select '\\x01'::bytea`), Buffer.of(1));
});

test('a server that goes away in the middle is an outage', async (t) => {
  const database = await restartableDatabase(t);
  const asleep = database.db.copyOut(`select ''::bytea from pg_sleep(600)`);
  const refused = assert.rejects(asleep, { code: 'database-unavailable' });
  await database.stop();
  await refused;
  await database.start();
  assert.deepEqual(await database.db.copyOut(`select '\\x01'::bytea`), Buffer.of(1));
});
