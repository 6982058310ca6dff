import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createCertificateStore } from '../../src/store/certificates.ts';
import type { Database } from '../../src/store/database.ts';
import { createRetentionWork } from '../../src/wiring/retention.ts';
import { certificateRecord, daysFrom, start } from '../store/records.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDatabase, type TestScope } from '../support/database.ts';

/** A database with one record of each kind that a sweep takes. */
async function database(t: TestScope): Promise<Database> {
  const { db } = await createTestDatabase(t);
  await createCertificateStore(db).insert(certificateRecord({ notAfter: daysFrom(start, 1) }));
  await db.query({ text: 'insert into revocation_changes values (1, 1)' });
  await db.query({
    text: `insert into crl_history select 'internal-ca', n, n, $1, $1 from generate_series(1, 2) n`,
    values: [start],
  });
  return db;
}

/** One sweep of each work, forty days later. @returns what is left: certificates, changes, CRLs */
async function sweepOnce(db: Database, env: Record<string, string>): Promise<unknown> {
  const clock = createTestClock(daysFrom(start, 40).getTime());
  const input = { config: loadConfig(env), env, log: createLogger({ level: 'silent' }), clock };
  const certificates = createCertificateStore(db);
  for (const work of createRetentionWork(input, { certificates, database: db })) {
    await work.start({
      epoch: 1n,
      signal: new AbortController().signal,
      assertCurrent: async () => undefined,
    });
    await work.stop();
  }
  const [left] = await db.query({
    text: `select (select count(*)::int from certificates) as certificates,
      (select count(*)::int from revocation_changes) as changes, (select count(*)::int from crl_history) as crls`,
  });
  return left;
}

test('records are kept for ever, but for lapsed CRLs, unless the configuration says how long', async (t) => {
  const db = await database(t);
  assert.deepEqual(await sweepOnce(db, {}), { certificates: 1, changes: 1, crls: 1 });
  assert.deepEqual(await sweepOnce(db, { ISSUANCE_RETENTION: 'P30D' }), {
    certificates: 0,
    changes: 0,
    crls: 1,
  });
});
