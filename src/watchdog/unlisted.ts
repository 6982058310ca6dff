import type { Clock } from '../clock.ts';
import type { CrlStore } from '../store/crls.ts';
import type { RevocationStore } from '../store/revocations.ts';

/**
 * Revocations that no CRL tells of, as the tables have them. Each place can have the newest CRL there is and a revoked client come in
 * all the same, when nobody makes the next one; that nobody fails at it says nothing.
 */
export interface Unlisted {
  /** @throws Fault `database-unavailable`; then nothing is known to have lasted */
  refresh(): Promise<void>;
  /** For how long, at least, the newest CRL lacks a revocation; in seconds, 0 where it has not been seen to last. */
  list(): Iterable<{ readonly authority: string; readonly seconds: number }>;
}

export interface UnlistedParts {
  readonly authorities: readonly { readonly name: string }[];
  readonly crls: Pick<CrlStore, 'latest'>;
  readonly revocations: Pick<RevocationStore, 'pending'>;
  readonly clock: Clock;
}

/** Seen at the first and at the last of the rounds that have found the same CRL wanting. In milliseconds since 1970. */
interface Lack {
  readonly number: bigint | undefined;
  readonly from: number;
  readonly to: number;
}

export function createUnlisted({ authorities, crls, revocations, clock }: UnlistedParts): Unlisted {
  let lacks: ReadonlyMap<string, Lack> = new Map();

  async function lackOf(authority: string, before: Lack | undefined): Promise<Lack | undefined> {
    const number = (await crls.latest(authority))?.number;
    if ((await revocations.pending(authority)).count === 0) return undefined;
    const now = clock.now();
    // With another CRL since, these are other revocations. A clock that was set back begins anew.
    const isSame = before !== undefined && before.number === number && before.from <= now;
    return { number, from: isSame ? before.from : now, to: now };
  }

  return {
    async refresh() {
      const before = lacks;
      // Whoever could not ask does not know that it lasts: whoever builds could not either.
      lacks = new Map();
      const found = new Map<string, Lack>();
      for (const { name } of authorities) {
        const lack = await lackOf(name, before.get(name));
        if (lack !== undefined) found.set(name, lack);
      }
      lacks = found;
    },
    *list() {
      for (const { name: authority } of authorities) {
        const lack = lacks.get(authority);
        yield { authority, seconds: lack === undefined ? 0 : (lack.to - lack.from) / 1000 };
      }
    },
  };
}
