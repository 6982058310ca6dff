import type { Clock } from '../clock.ts';
import type { CrlStore, StoredCrl } from '../store/crls.ts';

/** What should have been published by now: from the table of CRLs itself, or as it was known last. */
export interface Expectation {
  /** @throws Fault `database-unavailable`; what was known stands */
  refresh(): Promise<void>;
  /** The number that everybody should have had for `graceSeconds`; undefined while that is not known. */
  due(authority: string, graceSeconds: number): bigint | undefined;
  /** Whether there is a delta to the newest. */
  hasDelta(authority: string): boolean;
}

interface Known {
  /** Oldest first; since when each was seen in the table. */
  readonly numbers: { readonly number: bigint; since: number }[];
  hasDelta: boolean;
}

/** @param longestGraceSeconds what `due` is asked for at most */
export function createExpectation(
  crls: Pick<CrlStore, 'latest'>,
  authorities: readonly { readonly name: string }[],
  clock: Clock,
  longestGraceSeconds: number,
): Expectation {
  const known = new Map<string, Known>(
    authorities.map(({ name }) => [name, { numbers: [], hasDelta: false }] as const),
  );
  const isDue = (since: number, graceSeconds: number) => clock.now() - since >= graceSeconds * 1000;

  function note({ numbers }: Known, { number, createdAt }: Pick<StoredCrl, 'number' | 'createdAt'>): void {
    const last = numbers.at(-1);
    // Lower after a restore from a backup: what was above it is not to come any more.
    if (last !== undefined && number < last.number) numbers.length = 0;
    // A clock that was set back must not keep anything from ever being due.
    for (const each of numbers) each.since = Math.min(each.since, clock.now());
    // The first that is seen may have been there long before us.
    const since = numbers.length === 0 ? Math.min(createdAt.getTime(), clock.now()) : clock.now();
    if (numbers.at(-1)?.number !== number) numbers.push({ number, since });
    while (numbers[1] !== undefined && isDue(numbers[1].since, longestGraceSeconds)) numbers.shift();
  }

  return {
    async refresh() {
      for (const [authority, of] of known) {
        const latest = await crls.latest(authority);
        if (latest === undefined) continue;
        of.hasDelta = latest.delta !== undefined;
        note(of, latest);
      }
    },
    due: (authority, graceSeconds) =>
      known.get(authority)?.numbers.findLast(({ since }) => isDue(since, graceSeconds))?.number,
    hasDelta: (authority) => known.get(authority)?.hasDelta === true,
  };
}
