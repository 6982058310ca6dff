import type { Term } from '../../src/leadership/leadership.ts';
import type { Database } from '../../src/store/database.ts';
import { createLeadershipStore } from '../../src/store/leadership.ts';

/** The next term, of a leader that does nothing more; every CRL has to be built in one. */
export async function beginTerm(db: Database): Promise<Term> {
  const claimed = await createLeadershipStore(db).claim('test', 60_000, () => true);
  if (claimed === undefined) throw new Error('somebody else began a term in the same moment');
  return {
    epoch: claimed.epoch,
    signal: new AbortController().signal,
    assertCurrent: async () => undefined,
  };
}
