import type { Authority } from '../authority/authority.ts';
import { Fault } from '../fault.ts';
import type { Leadership, Term } from '../leadership/leadership.ts';
import type { StoredCrl } from '../store/crls.ts';
import { NotLeading } from '../store/leadership.ts';

export interface LedBuildParts {
  readonly leadership: Pick<Leadership, 'term' | 'resign'>;
  readonly build: (authority: Authority, term: Term) => Promise<StoredCrl | undefined>;
}

/** After this many failures in a row another replica may do better. */
const patience = 3;

/**
 * Builds while this process leads, and does nothing while it does not. A leader that cannot build, as its key is gone, gives
 * its place away; not when the database is away, since others would fare no better.
 */
export function createLedBuild({
  leadership,
  build,
}: LedBuildParts): (authority: Authority) => Promise<StoredCrl | undefined> {
  const failures = new Map<string, number>();
  return async (authority) => {
    const { term } = leadership;
    if (term === undefined) return undefined;
    try {
      const built = await build(authority, term);
      failures.delete(authority.name);
      return built;
    } catch (error) {
      if (error instanceof NotLeading) return undefined;
      if (error instanceof Fault && error.code === 'database-unavailable') throw error;
      const count = (failures.get(authority.name) ?? 0) + 1;
      failures.set(authority.name, count);
      if (count === patience) {
        failures.clear();
        leadership.resign('the CRL cannot be built here');
      }
      throw error;
    }
  };
}
