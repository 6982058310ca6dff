import type { BudgetState, CrlBudgetStore } from '../store/crl-budget.ts';
import type { PublicationStore } from '../store/publications.ts';
import type { PublishedWishes } from './cluster-places.ts';

export interface PublishedWishesParts {
  /** The namespaces of enforced Ingresses. */
  enforced(): Promise<readonly string[]>;
  readonly budget: Pick<CrlBudgetStore, 'read'>;
  readonly publications: Pick<PublicationStore, 'list'>;
}

/** What the database says of the copies, read with each round. */
export function createPublishedWishes(parts: PublishedWishesParts): PublishedWishes {
  let enforced: readonly string[] = [];
  let withoutCrl: BudgetState['withoutCrl'] = [];
  let waiting: ReadonlySet<string> = new Set();
  return {
    async refresh() {
      enforced = await parts.enforced();
      withoutCrl = (await parts.budget.read()).withoutCrl;
      const copies = await parts.publications.list();
      waiting = new Set(copies.filter(({ state }) => state === 'Waiting').map(({ target }) => target));
    },
    enforced: () => enforced,
    withoutCrl: (namespace) => withoutCrl.includes(namespace),
    cannotBe: (id) => waiting.has(id),
  };
}
