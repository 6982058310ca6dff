import { createBulkRevocationService } from '../../src/revocation/bulk-revocation.ts';
import { createRevocationService } from '../../src/revocation/revocation-service.ts';
import { createBulkRevocationStore } from '../../src/store/bulk-revocation.ts';
import {
  type CertificateRecord,
  type CertificateStore,
  createCertificateStore,
} from '../../src/store/certificates.ts';
import type { Database } from '../../src/store/database.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import { certificateRecord, start } from '../store/records.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { createTestDatabase, type TestScope } from '../support/database.ts';

/** Everything that revokes, on a database of its own. */
export interface RevocationBench {
  readonly db: Database;
  readonly clock: TestClock;
  readonly certificates: CertificateStore;
  readonly revocation: ReturnType<typeof createRevocationService>;
  readonly bulk: ReturnType<typeof createBulkRevocationService>;
  /** What was told of revocations: the authority, and whether it is urgent. */
  readonly notified: [string, boolean][];
  issue(changes?: Partial<CertificateRecord>): Promise<string>;
  /** The reason for which a certificate is revoked now. */
  reasonOf(serial: string): Promise<string | undefined>;
}

export async function revocationBench(t: TestScope): Promise<RevocationBench> {
  const { db } = await createTestDatabase(t);
  return benchOn(db);
}

/** Another replica on the same database. */
export function benchOn(db: Database): RevocationBench {
  const clock = createTestClock(start.getTime() + 3_600_000);
  const certificates = createCertificateStore(db);
  const notified: [string, boolean][] = [];
  const onRevoked = (authority: string, urgent: boolean): void => void notified.push([authority, urgent]);
  const store = createBulkRevocationStore(db);
  const revocations = createRevocationStore(db);
  return {
    ...{ db, clock, certificates, notified },
    revocation: createRevocationService({ certificates, revocations, bulk: store, clock, onRevoked }),
    bulk: createBulkRevocationService({ store, clock, onRevoked }),
    async issue(changes = {}) {
      const record = certificateRecord(changes);
      await certificates.insert(record);
      return record.serial;
    },
    reasonOf: async (serial) => (await certificates.findBySerial(serial))?.revocation?.reason,
  };
}

/** Puts `count` certificates into the table without going through the store: their serials are 16 random octets. */
export async function issueMany(
  db: Database,
  count: number,
  changes: { readonly requester?: string } = {},
): Promise<void> {
  await db.query({
    text: `insert into certificates (serial, authority, profile, subject, common_name, sans, not_before, not_after,
        requester, spki_sha256, fingerprint, metadata, created_at, der)
      select set_byte(uuid_send(gen_random_uuid()), 0, 1 + (n % 100)), 'internal-ca', 'client', 'CN=device-' || n, 'device-' || n, '{}',
        $2, $2::timestamptz + interval '90 days', $3, sha256(n::text::bytea), sha256(n::text::bytea), '{}', $2, '\\x00'
      from generate_series(1, $1::int) n`,
    values: [count, start, changes.requester ?? 'token:a'],
  });
  await db.query({ text: 'analyze certificates' });
}

/** The changes that were closed: the rows of each, in the order of commits. */
export async function changes(db: Database): Promise<{ position: number; rows: number }[]> {
  return await db.query({
    text: `select position::int, (select count(*)::int from revocations r where r.change_id = c.change_id) as rows
      from revocation_changes c order by position`,
  });
}
