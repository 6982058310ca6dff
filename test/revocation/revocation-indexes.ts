import {
  createRevocationIndex,
  type RunningRevocationIndex,
} from '../../src/revocation/create-revocation-index.ts';
import type { RevocationChange } from '../../src/revocation/revocation-index.ts';
import { createCertificateStore } from '../../src/store/certificates.ts';
import type { Database } from '../../src/store/database.ts';
import {
  createRevocationChangesReader,
  type RevocationChangesReader,
} from '../../src/store/revocation-changes-reader.ts';
import { createRevocationStore, type RevocationRequest } from '../../src/store/revocations.ts';
import { certificateRecord, revocationRequest } from '../store/records.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import type { TestScope } from '../support/database.ts';

export interface TestIndex {
  readonly index: RunningRevocationIndex;
  readonly clock: TestClock;
  readonly changes: RevocationChange[];
  readonly failures: unknown[];
  /** How often everything was read. */
  readonly loads: () => number;
  readonly recoveries: () => number;
}

export interface TestIndexOptions {
  readonly reader?: RevocationChangesReader;
  /** As in the service: every moment, as no test waits for a time to pass. An hour: then only `wake` makes it look. */
  readonly pollMs?: number;
  readonly monotonic?: () => number;
}

export const anHour = 3_600_000;

/** The index of one replica, not started. */
export function openIndex(
  t: TestScope,
  db: Database,
  { reader = createRevocationChangesReader(db), pollMs = 20, monotonic }: TestIndexOptions = {},
): TestIndex {
  const clock = createTestClock();
  const changes: RevocationChange[] = [];
  const failures: unknown[] = [];
  let loads = 0;
  let recoveries = 0;
  const index = createRevocationIndex({
    reader,
    clock,
    monotonic: monotonic ?? (() => performance.now()),
    pollMs,
    onFailed: (error) => failures.push(error),
    onRecovered: () => {
      recoveries += 1;
    },
    onLoaded: () => {
      loads += 1;
    },
  });
  index.onChange((change) => changes.push(change));
  t.after(() => index.close());
  return { index, clock, changes, failures, loads: () => loads, recoveries: () => recoveries };
}

/** A certificate, revoked. @returns its serial */
export async function revokeNew(db: Database, changes: Partial<RevocationRequest> = {}): Promise<string> {
  const record = certificateRecord(changes.authority === undefined ? {} : { authority: changes.authority });
  await createCertificateStore(db).insert(record);
  await createRevocationStore(db).revoke(revocationRequest(record.serial, changes));
  return record.serial;
}
