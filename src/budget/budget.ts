import type { LeaderWork } from '../leadership/leadership.ts';
import type { CopyForms } from '../publication/copy-forms.ts';
import type { SecretBudget } from './secret-budget.ts';

/**
 * What becomes of the CRL when it outgrows the Secrets that carry it: less of it, and in the end live verification in its
 * place. Decided by the replica that leads, known to all.
 */
export interface Budget extends CopyForms {
  /** True when no Ingress may depend on the CRL alone. In memory. The copies are shared, so all authorities are alike. */
  movesOnline(authority: string): boolean;
  /** Of the published Secret; undefined before there is material. */
  secret(): SecretBudget | undefined;
  /** Looks after the copies that can do without the CRL. */
  readonly leaderWork: LeaderWork;
  close(): Promise<void>;
}
