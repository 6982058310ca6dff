import type { Clock } from '../clock.ts';
import type { LeaderWork } from '../leadership/leadership.ts';
import type { BlockedKeyStore } from '../store/blocked-keys.ts';
import type { RevocationService } from './revocation-service.ts';

const everyMilliseconds = 15_000;
/** Far longer than any statement that inserts certificates. */
const recentMilliseconds = 600_000;
const batch = 100;

export interface BlockedKeySweepParts {
  readonly keys: BlockedKeyStore;
  readonly revocation: Pick<RevocationService, 'revoke'>;
  readonly clock: Clock;
  readonly onRevoked: (serial: string) => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * Revokes the certificates of blocked keys that nobody has seen: one that was being inserted while its key was blocked was in
 * neither transaction's sight, and a program of before blocks keys without looking for their other certificates.
 */
export interface BlockedKeySweep extends LeaderWork {
  /** One look, now; a failure goes to `onFailed`, and the next look comes soon. */
  sweep(): Promise<void>;
}

export function createBlockedKeySweep(parts: BlockedKeySweepParts): BlockedKeySweep {
  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<void> = Promise.resolve();
  let stopped = false;
  // In a term of its own everything is looked at once, since nobody may have led when it mattered.
  let hasSeenAll = false;

  async function revokeAll(): Promise<void> {
    try {
      const now = parts.clock.now();
      const since = new Date(hasSeenAll ? now - recentMilliseconds : 0);
      let found = batch;
      while (found === batch && !stopped) found = await revokeSome(since, new Date(now));
      hasSeenAll = !stopped;
    } catch (error) {
      parts.onFailed(error);
    }
  }

  async function revokeSome(since: Date, now: Date): Promise<number> {
    const serials = await parts.keys.findUnrevoked(since, now, batch);
    for (const serial of serials) {
      if (stopped) break;
      await parts.revocation.revoke({ serial, reason: 'keyCompromise', requester: 'blocked-key' });
      parts.onRevoked(serial);
    }
    return serials.length;
  }

  function sweep(): Promise<void> {
    sweeping = sweeping.then(revokeAll);
    return sweeping;
  }

  return {
    name: 'blocked-keys',
    sweep,
    async start() {
      stopped = false;
      hasSeenAll = false;
      timer = setInterval(sweep, everyMilliseconds);
      timer.unref();
      void sweep();
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      await sweeping;
    },
  };
}
