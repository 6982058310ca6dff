import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import { type KubernetesApi, type Lease, type LeaseSpec, toMicroTime } from '../kubernetes/client.ts';
import { createObservation, type MonotonicClock } from './observation.ts';

export interface LeaseLockParts {
  readonly api: Pick<KubernetesApi, 'namespace' | 'getLease' | 'createLease' | 'updateLease'>;
  /** Of the Lease, in our own namespace. */
  readonly name: string;
  readonly identity: string;
  readonly durationSeconds: number;
  /** For the times in the Lease, which are for people to read. */
  readonly clock: Clock;
  readonly monotonic: MonotonicClock;
}

/** `held`: by us, as of this moment. */
export type LeaseVote = 'held' | 'other';

/** A Lease of Kubernetes as client-go's leader election uses it. */
export interface LeaseLock {
  /**
   * Takes or renews it. One that another holder has not renewed for the duration that is written in it is taken over, measured
   * by watching it; one that was given up is taken once it has been seen vacant for `vacantMs`.
   * @throws Fault when the API server does not answer, or does not let us
   */
  tryHold(vacantMs: number): Promise<LeaseVote>;
  /** As last seen. */
  readonly holder: string | undefined;
  /** Lets go of it if it is ours, so that another one can take it at once. @throws Fault */
  release(): Promise<void>;
}

/** An update is refused when anybody else, say `kubectl label`, has written the Lease since we read it. */
const attempts = 3;

export function createLeaseLock(parts: LeaseLockParts): LeaseLock {
  const { api, name, identity, durationSeconds } = parts;
  const { namespace } = api;
  const observation = createObservation(parts.monotonic);
  let last: Lease | undefined;

  const now = (): string => toMicroTime(parts.clock.now());

  async function create(): Promise<LeaseVote> {
    const time = now();
    try {
      last = await api.createLease({
        metadata: { namespace, name },
        spec: {
          holderIdentity: identity,
          leaseDurationSeconds: durationSeconds,
          acquireTime: time,
          renewTime: time,
          leaseTransitions: 0,
        },
      });
      return 'held';
    } catch (error) {
      if (isConflict(error)) return 'other';
      throw error;
    }
  }

  function mayTake(present: LeaseSpec, vacantMs: number): boolean {
    const { holderIdentity, leaseDurationSeconds = 0 } = present;
    const unchanged = observation.unchangedMs(JSON.stringify(present));
    return holderIdentity ? unchanged >= leaseDurationSeconds * 1000 : unchanged >= vacantMs;
  }

  /** @returns undefined when it was written by another one since `lease` was read */
  async function write(lease: Lease, spec: LeaseSpec): Promise<Lease | undefined> {
    try {
      last = await api.updateLease({ ...lease, spec: { ...lease.spec, ...spec } });
      return last;
    } catch (error) {
      if (!isConflict(error)) throw error;
      last = undefined;
      return undefined;
    }
  }

  function specOf(present: LeaseSpec): LeaseSpec {
    const renewed = { holderIdentity: identity, leaseDurationSeconds: durationSeconds, renewTime: now() };
    if (present.holderIdentity === identity) return renewed;
    return {
      ...renewed,
      acquireTime: renewed.renewTime,
      leaseTransitions: (present.leaseTransitions ?? 0) + 1,
    };
  }

  /** @returns undefined when ours was written by another one in the same moment: whoever leads must know for sure */
  async function tryOnce(vacantMs: number): Promise<LeaseVote | undefined> {
    // While it is ours we know what stands there, and an update says when we are wrong.
    if (last?.spec?.holderIdentity !== identity) last = await api.getLease(namespace, name);
    if (last === undefined) return await create();
    const present = last.spec ?? {};
    const ours = present.holderIdentity === identity;
    if (!ours && !mayTake(present, vacantMs)) return 'other';
    if ((await write(last, specOf(present))) !== undefined) return 'held';
    return ours ? undefined : 'other';
  }

  return {
    get holder() {
      return last?.spec?.holderIdentity || undefined;
    },
    async tryHold(vacantMs) {
      for (let attempt = 0; attempt < attempts; attempt++) {
        const vote = await tryOnce(vacantMs);
        if (vote !== undefined) return vote;
      }
      throw new Fault('kubernetes-unavailable', `The Lease ${name} changes too often to be renewed`);
    },
    async release() {
      last = await api.getLease(namespace, name);
      if (last?.spec?.holderIdentity !== identity) return;
      // One second, as client-go writes it: whoever does not know that empty means vacant soon sees it expire.
      await write(last, { holderIdentity: '', leaseDurationSeconds: 1, renewTime: now() });
    },
  };
}

/** Written, deleted or made by somebody else in the same moment; not that an admission webhook refused. */
const conflictCodes = new Set(['already-exists', 'object-modified', 'uid-mismatch']);

function isConflict(error: unknown): boolean {
  if (!(error instanceof Fault) || error.code !== 'conflict') return false;
  return error.reasons.every(({ code }) => conflictCodes.has(code));
}
