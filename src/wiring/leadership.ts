import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { KubernetesApi } from '../kubernetes/client.ts';
import { createCandidate } from '../leadership/candidate.ts';
import { createLeadership, type RunningLeadership } from '../leadership/create-leadership.ts';
import { createLeaseLock } from '../leadership/lease-lock.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createTrouble } from '../reconcile/trouble.ts';
import type { RunningRevocationIndex } from '../revocation/create-revocation-index.ts';
import type { CrlKeeper } from '../revocation/crl-keeper.ts';
import { openDatabase } from '../store/database.ts';
import { createLeadershipStore } from '../store/leadership.ts';
import { createNotifications, type Notifications } from '../store/notifications.ts';
import type { ServiceInput } from './service-input.ts';
import type { Store } from './store.ts';

interface LeadershipParts {
  readonly store: Store;
  readonly kubernetes: KubernetesApi | undefined;
  readonly metrics: Pick<Metrics, 'leadership'>;
  readonly notifications: Pick<Notifications, 'send'>;
}

const monotonic = (): number => performance.now();

/** Not started yet: that begins the works, which are built later. Whoever starts it closes it. */
export function openLeadership(
  { config, clock, log }: ServiceInput,
  { store, kubernetes, metrics, notifications }: LeadershipParts,
  cleanUp: AsyncDisposableStack,
): RunningLeadership {
  const { leaseName, leaseDurationSeconds } = config.leadership;
  const leaseMs = leaseDurationSeconds * 1000;
  // Connections of its own: a renewal must not wait behind the requests of a busy hour.
  const database = openDatabase({
    url: store.url,
    poolSize: 2,
    statementTimeoutMs: Math.ceil(leaseMs / 3),
    connectTimeoutMs: Math.ceil(leaseMs / 3),
    onIdleError: (error) => log.debug({ err: error }, 'the connection for leadership broke'),
  });
  cleanUp.defer(() => database.close());
  const terms = createLeadershipStore(database);
  // A name for each process, as client-go has it: a pod that is started again is another candidate.
  const identity = `${hostname()}_${randomBytes(6).toString('hex')}`;
  const leaseTrouble = createTrouble();
  const candidate = createCandidate({
    identity,
    store: terms,
    lease:
      kubernetes === undefined
        ? undefined
        : createLeaseLock({
            api: kubernetes,
            name: leaseName,
            identity,
            durationSeconds: leaseDurationSeconds,
            clock,
            monotonic,
          }),
    leaseMs,
    alone: store.embedded,
    monotonic,
    onLeaseFailed(error) {
      if (leaseTrouble.isNews(error))
        log.warn({ err: error }, 'the Lease is out of reach: the database alone elects');
    },
    onLeaseAnswered: () => leaseTrouble.over(),
  });
  return createLeadership({
    candidate,
    store: terms,
    leaseMs,
    alone: store.embedded,
    clock,
    monotonic,
    log,
    onStatus: (status) => metrics.leadership(status),
    onVacant: () => notifications.send({ kind: 'vacant' }),
  });
}

export function openNotifications(
  { config, log }: ServiceInput,
  { url, database }: Store,
  cleanUp: AsyncDisposableStack,
): Notifications {
  const notifications = createNotifications({
    url,
    database,
    connectTimeoutMs: config.databaseConnectTimeoutSeconds * 1000,
    retry: { initialMs: 500, maxMs: 30_000 },
    pingMs: 30_000,
    onLost: (error) => log.debug({ err: error }, 'notices between replicas do not arrive at present'),
  });
  cleanUp.defer(() => notifications.close());
  return notifications;
}

interface FollowedParts {
  readonly leadership: Pick<RunningLeadership, 'term' | 'wake'>;
  readonly keeper: Pick<CrlKeeper, 'notify' | 'maintain'>;
  readonly revocationIndex: Pick<RunningRevocationIndex, 'wake'>;
}

/** What the replicas tell each other: all hear of revocations, the leader to build, and the others of what it has built. */
export function followNotices(
  notifications: Pick<Notifications, 'listen'>,
  { leadership, keeper, revocationIndex }: FollowedParts,
): void {
  notifications.listen({
    onNotice(notice) {
      const leads = leadership.term !== undefined;
      if (notice.kind === 'revoked') revocationIndex.wake();
      if (notice.kind === 'vacant') leadership.wake();
      else if (notice.kind === 'revoked' && leads) keeper.notify(notice.authority, notice.urgent);
      else if (notice.kind === 'crl' && !leads) keeper.notify(notice.authority, true);
    },
    onListening() {
      leadership.wake();
      revocationIndex.wake();
      void keeper.maintain();
    },
  });
}

/** A revocation has committed here: the leader is to build, and every replica to know, this one without delay. */
export function tellOfRevocations(
  notifications: Pick<Notifications, 'send'>,
  { leadership, keeper, revocationIndex }: FollowedParts,
): (authority: string, urgent: boolean) => void {
  return (authority, urgent) => {
    revocationIndex.wake();
    if (leadership.term !== undefined) keeper.notify(authority, urgent);
    notifications.send({ kind: 'revoked', authority, urgent });
  };
}
