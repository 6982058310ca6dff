import type { Clock } from '../clock.ts';
import type { Logger } from '../observability/logger.ts';
import type { BudgetState, CrlBudgetStore } from '../store/crl-budget.ts';
import type { CopyReason, PublishedCopy } from '../store/publications.ts';
import type { BudgetEvents } from './budget-events.ts';
import type { Doors, Proof } from './doors.ts';

export interface OnlineCopiesParts {
  readonly doors: Doors;
  readonly store: Pick<CrlBudgetStore, 'leaveOut' | 'putBack'>;
  /** Every copy in the cluster. */
  copies(): Promise<readonly PublishedCopy[]>;
  readonly events: BudgetEvents | undefined;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

export interface OnlineReview {
  readonly changed: boolean;
  /** Copies without a CRL that have an Ingress which is not proven. */
  readonly unproven: number;
  /** Ingresses in whose place a copy keeps its CRL. */
  readonly waiting: number;
}

/** What was decided, as it was read before anybody looked at the doors. */
export interface DecidedCopies extends Pick<BudgetState, 'withoutCrl' | 'revision'> {
  /** Whether the CRL can be put back. */
  readonly fits: boolean;
}

/** Takes the CRL out of the copies that are proven to need none, and puts it back where that is no longer so. */
export interface OnlineCopies {
  review(decided: DecidedCopies): Promise<OnlineReview>;
}

interface SeenCopy extends Pick<DecidedCopies, 'fits' | 'revision'> {
  readonly proof: Proof;
  readonly without: boolean;
}

/** Whoever reads these beside Ingresses is not seen, so they keep their CRL as long as there is room for it. */
const keepers: readonly CopyReason[] = ['own', 'configured', 'selector'];

export function createOnlineCopies(o: OnlineCopiesParts): OnlineCopies {
  /** What was told last, so that it is told once. */
  const told = new Map<string, string>();

  function isNews(namespace: string, proof: Proof): boolean {
    const text = proof.unproven.join();
    const news = told.get(namespace) !== text;
    told.set(namespace, text);
    return news;
  }

  /** @returns false when a copy was put back meanwhile: the next look sees for whom */
  async function leaveOut(namespace: string, revision: bigint): Promise<boolean> {
    if (!(await o.store.leaveOut([namespace], new Date(o.clock.now()), revision))) return false;
    told.delete(namespace);
    o.log.info({ namespace }, 'the CRL leaves the copy: every Ingress that names it is proven to ask');
    o.events?.leftOut(namespace);
    return true;
  }

  async function putBack(namespace: string, proof: Proof | undefined): Promise<void> {
    await o.store.putBack([namespace]);
    told.delete(namespace);
    if (proof === undefined) return;
    o.log.warn(
      { namespace, ingresses: proof.unproven },
      'the CRL goes back into the copy: not proven to ask',
    );
    o.events?.putBack(namespace, proof.unproven);
  }

  function tellUnproven(namespace: string, proof: Proof): void {
    if (!isNews(namespace, proof)) return;
    const facts = { namespace, ingresses: proof.unproven };
    o.log.warn(facts, 'a copy has no CRL, which does not fit, and an Ingress is not proven to ask');
    o.events?.unproven(namespace, proof.unproven);
  }

  /** One copy that somebody needs. */
  async function reviewCopy(
    namespace: string,
    why: readonly CopyReason[],
    { proof, without, fits, revision }: SeenCopy,
  ): Promise<OnlineReview> {
    if (without && !proof.proven) {
      if (fits) await putBack(namespace, proof);
      else tellUnproven(namespace, proof);
      return { changed: fits, unproven: fits ? 0 : 1, waiting: 0 };
    }
    const isKept = fits && why.some((reason) => keepers.includes(reason));
    if (without || !proof.proven || isKept) {
      return { changed: false, unproven: 0, waiting: without ? 0 : proof.unproven.length };
    }
    return { changed: await leaveOut(namespace, revision), unproven: 0, waiting: 0 };
  }

  return {
    async review({ withoutCrl, revision, fits }) {
      const [looked, copies] = await Promise.all([o.doors.look(), o.copies()]);
      const kept = new Map(copies.flatMap(secretCopy));
      const reviews: OnlineReview[] = [];
      for (const [namespace, why] of kept) {
        const proof = await looked.proofOf(namespace);
        const without = withoutCrl.includes(namespace);
        reviews.push(await reviewCopy(namespace, why, { proof, without, fits, revision }));
      }
      const needless: string[] = [];
      for (const namespace of withoutCrl) {
        // There is one soon where an Ingress is being enforced; else nobody needs a copy there any more.
        const isNeeded = kept.has(namespace) || (await looked.proofOf(namespace)).readers > 0;
        if (!isNeeded) needless.push(namespace);
      }
      for (const namespace of needless) await putBack(namespace, undefined);
      return {
        changed: needless.length > 0 || reviews.some(({ changed }) => changed),
        unproven: reviews.reduce((sum, { unproven }) => sum + unproven, 0),
        waiting: reviews.reduce((sum, { waiting }) => sum + waiting, 0),
      };
    },
  };
}

function secretCopy({ target, why }: PublishedCopy): [string, readonly CopyReason[]][] {
  const namespace = /^secret:([^/]+)\//.exec(target)?.[1];
  return namespace === undefined ? [] : [[namespace, why]];
}
