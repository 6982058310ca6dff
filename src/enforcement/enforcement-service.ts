import { Fault } from '../fault.ts';
import { carryOutEnforcement, planEnforcement } from './enforce.ts';
import { observeAll } from './observe.ts';
import type { EnforcementParts } from './parts.ts';
import { undoEnforcement } from './restore.ts';
import type { ClientVerification, VerificationWish } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';

export interface EnforceOptions {
  /** Check everything and let the API server's admission speak, but write nothing. Default: false. */
  readonly dryRun?: boolean;
  /** Who asks (`token:<id>`), for the record. */
  readonly requester: string;
}

/** Makes Ingresses verify client certificates, and takes it back. */
export interface EnforcementService {
  /**
   * Makes one Ingress verify its clients as wished; repeating it repairs drift and changes nothing otherwise.
   * @throws Fault `ingress-not-found`, `namespace-not-found`, `authority-not-found`, `ingress-unsafe` (with every reason),
   * `publication-refused`, `conflict`, `kubernetes-unavailable`, `kubernetes-forbidden`, `database-unavailable`.
   * The Ingress is then as it was.
   */
  enforce(
    namespace: string,
    name: string,
    wish: VerificationWish,
    options: EnforceOptions,
  ): Promise<ClientVerification>;
  /** @throws Fault `client-verification-not-found`, `kubernetes-unavailable`, `kubernetes-forbidden` */
  state(namespace: string, name: string): Promise<ClientVerification>;
  /**
   * Restores what stood before in one write and forgets the Ingress. An annotation that somebody changed after us is
   * left as it is and reported (`annotation-changed-since`).
   * @throws Fault `client-verification-not-found`, `conflict`, `kubernetes-unavailable`, `kubernetes-forbidden`
   */
  undo(namespace: string, name: string, options: EnforceOptions): Promise<ClientVerification>;
  /** Every enforced Ingress and its state, by namespace and name. */
  list(): Promise<readonly ClientVerification[]>;
}

/** The lock's key: judging and writing is done for one Ingress at a time, everywhere. */
const lockKey = 'internal-ca:enforcement';

/** Other writers (the controller's status updates, for one) come between reading and writing now and then. */
const attempts = 5;

export function createEnforcementService(parts: EnforcementParts): EnforcementService {
  const inTurn = queue();
  const exclusively = <T>(work: () => Promise<T>): Promise<T> =>
    // In this process by a queue, so that only one pooled connection is ever held by the lock.
    inTurn(() => parts.withAdvisoryLock(lockKey, () => repeatWhenModified(work)));

  const recorded = async (namespace: string, name: string): Promise<VerificationRecord> => {
    const record = await parts.records.find(namespace, name);
    if (record !== undefined) return record;
    const detail = `Client verification is not enforced on Ingress ${namespace}/${name}`;
    throw new Fault('client-verification-not-found', detail);
  };

  return {
    enforce(namespace, name, wish, { requester, dryRun = false }) {
      const target = { namespace, name };
      if (dryRun) return repeatWhenModified(() => planEnforcement(parts, target, wish, requester));
      return exclusively(() => carryOutEnforcement(parts, target, wish, requester));
    },
    async state(namespace, name) {
      const record = await recorded(namespace, name);
      const [view] = await observeAll(parts, [record]);
      if (view === undefined) throw new Fault('internal', 'a record was observed without a result');
      return view;
    },
    undo(namespace, name, { requester, dryRun = false }) {
      return exclusively(async () =>
        undoEnforcement(parts, await recorded(namespace, name), { dryRun, requester }),
      );
    },
    list: async () => observeAll(parts, await parts.records.list()),
  };
}

/** Judges anew when the Ingress changed between reading and writing; nothing was written then. */
async function repeatWhenModified<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === attempts || !wasModified(error)) throw error;
    }
  }
}

function wasModified(error: unknown): boolean {
  if (!(error instanceof Fault) || error.code !== 'conflict') return false;
  return error.reasons.some(({ code }) => code === 'object-modified' || code === 'uid-mismatch');
}

/** Runs one piece of work after the other. */
function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work, work);
    last = result.catch(() => undefined);
    return result;
  };
}
