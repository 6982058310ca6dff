import { Fault } from '../fault.ts';
import { refuseDeclared } from './declaration.ts';
import { carryOutEnforcement, planEnforcement } from './enforce.ts';
import { observeAll } from './observe.ts';
import type { EnforcementParts } from './parts.ts';
import { undoEnforcement } from './restore.ts';
import { repeatWhenModified, type Turn } from './turn.ts';
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
   * Makes one Ingress verify its clients as wished, and takes over what other field managers hold. Repeating it repairs
   * drift and changes nothing otherwise. An Ingress that asks by its own annotation is a `conflict`
   * (`declared-by-annotation`), here and at `undo`.
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

/** @param inTurn shared with the reconciler of the same process */
export function createEnforcementService(parts: EnforcementParts, inTurn: Turn): EnforcementService {
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
      return inTurn(() => carryOutEnforcement(parts, target, wish, requester));
    },
    async state(namespace, name) {
      const record = await recorded(namespace, name);
      const [view] = await observeAll(parts, [record]);
      if (view === undefined) throw new Fault('internal', 'a record was observed without a result');
      return view;
    },
    undo(namespace, name, { requester, dryRun = false }) {
      return inTurn(async () => {
        const record = await recorded(namespace, name);
        const live = await parts.kubernetes.getIngress(namespace, name);
        if (live !== undefined) refuseDeclared(live, parts.settings);
        return undoEnforcement(parts, record, { dryRun, requester });
      });
    },
    list: async () => observeAll(parts, await parts.records.list()),
  };
}
