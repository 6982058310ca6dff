import { createTrouble } from '../reconcile/trouble.ts';
import type { CopyReason } from './publisher.ts';

export interface CopyWishesOptions {
  /** The service's own namespace. */
  readonly own: string;
  readonly configured: readonly string[];
  /** The namespaces of enforced Ingresses, from the database. */
  enforced(): Promise<readonly string[]>;
  /** The namespaces that the label selector matches now; empty without one, undefined while they are not known. */
  selected(): ReadonlySet<string> | undefined;
  /** The database could not be read; once for each cause. */
  onTrouble(error: unknown): void;
}

/** Which namespaces are to have copies, and why: as far as is known at present. */
export interface CopyWishes {
  namespaces(): string[];
  /** Empty for a namespace that needs none. */
  reasons(namespace: string): CopyReason[];
  /** Reads the database. Resolves to whether that was possible; if not, what was known stands. */
  refresh(): Promise<boolean>;
  /** Whether everything was read once: without that, what is not wished for may be. */
  readonly complete: boolean;
}

export function createCopyWishes(o: CopyWishesOptions): CopyWishes {
  const configured = new Set(o.configured);
  let enforced: ReadonlySet<string> | undefined;
  const trouble = createTrouble();
  let asked = 0;
  let answered = 0;

  return {
    namespaces: () => [
      ...new Set([o.own, ...configured, ...(o.selected() ?? []), ...(enforced ?? new Set<string>())]),
    ],
    reasons(namespace) {
      const reasons: CopyReason[] = [];
      if (namespace === o.own) reasons.push('own');
      if (configured.has(namespace)) reasons.push('configured');
      if (o.selected()?.has(namespace) === true) reasons.push('selector');
      if (enforced?.has(namespace) === true) reasons.push('enforced');
      return reasons;
    },
    async refresh() {
      asked += 1;
      const turn = asked;
      try {
        const namespaces = await o.enforced();
        // Of two answers that cross, the one to the later question counts.
        if (turn > answered) enforced = new Set(namespaces);
        answered = Math.max(turn, answered);
        trouble.over();
        return true;
      } catch (error) {
        if (trouble.isNews(error)) o.onTrouble(error);
        return false;
      }
    },
    get complete() {
      return enforced !== undefined && o.selected() !== undefined;
    },
  };
}
