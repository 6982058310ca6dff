import type { RevocationReason } from '../x509/revocation-reason.ts';
import type { Session, Transaction } from './database.ts';
import { againAfterDeadlock } from './deadlock.ts';
import { closeChange, newChangeId } from './revocation-changes.ts';

/** What every step of one import has in common. */
export interface ImportTerms {
  readonly authority: string;
  readonly requester: string;
  /** Whole seconds: when the siblings of a compromised key are revoked, and what is told to be revoked later than now. */
  readonly now: Date;
  /** Whose certificate expired before this is on no CRL any more. */
  readonly expiredBefore: Date;
  /** Everything is done and taken back. */
  readonly dryRun: boolean;
  /** The encoded entry of revokedCertificates (RFC 5280 5.1.2.6). */
  readonly entryOf: (serial: string, revokedAt: Date, reason: RevocationReason) => Buffer;
}

/** One transaction of an import, under way. */
export interface ImportStep {
  readonly tx: Transaction;
  readonly terms: ImportTerms;
  readonly changeId: bigint;
}

/** What a step has done to revocations. */
export interface RevocationEffects {
  /** How many other certificates of compromised keys were revoked. */
  readonly siblings: number;
  /** Whether any revocation is another one than before: then there is a change to close, and a CRL to build. */
  readonly changed: boolean;
  /** Those that somebody is revoked for from now on, siblings aside. */
  readonly reasons: ReadonlySet<RevocationReason>;
}

/** One transaction and one change. Resolves after COMMIT, or after the ROLLBACK of a dry run. */
export async function inImportStep<Outcome extends RevocationEffects>(
  session: Pick<Session, 'transaction'>,
  terms: ImportTerms,
  work: (step: ImportStep) => Promise<Outcome>,
): Promise<Outcome> {
  return await againAfterDeadlock(async () => {
    let tried: Outcome | undefined;
    try {
      return await session.transaction(async (tx) => {
        // A process that stands still in the middle must not keep what it has locked from the others.
        await tx.query({ text: `select set_config('idle_in_transaction_session_timeout', '10s', true)` });
        const changeId = await newChangeId(tx);
        const outcome = await work({ tx, terms, changeId });
        if (terms.dryRun) {
          tried = outcome;
          throw new TakenBack();
        }
        if (outcome.changed) await closeChange(tx, changeId);
        return outcome;
      });
    } catch (error) {
      if (error instanceof TakenBack && tried !== undefined) return tried;
      throw error;
    }
  });
}

class TakenBack extends Error {
  override readonly name = 'TakenBack';
}
