import { setTimeout as pause } from 'node:timers/promises';
import type { Authority } from '../authority/authority.ts';
import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { LeaderWork } from '../leadership/leadership.ts';
import type { StoredCrl } from '../store/crls.ts';
import type { CrlFiles } from './crl-files.ts';

export interface CrlKeeperParts {
  readonly authorities: readonly Authority[];
  /** Signs a CRL if one is due and this process is the one to do it. */
  readonly build: (authority: Authority) => Promise<StoredCrl | undefined>;
  readonly files: Pick<CrlFiles, 'refresh' | 'current' | 'held'>;
  readonly clock: Clock;
  /** After a build, the next one waits this long, so that a burst of revocations shares one CRL. */
  readonly coalesceSeconds: number;
  /** How often to look for what other processes did and for CRLs that have become due. */
  readonly pollSeconds: number;
  /** A CRL that this process did not have before is in `files` now. However long this takes, no CRL waits for it. */
  readonly onChanged: () => Promise<void>;
  readonly onBuilt: (authority: string, seconds: number) => void;
  readonly onFailed: (authority: string, error: unknown) => void;
}

/**
 * Keeps the CRL of every authority current: after each revocation, and long before it lapses. The leader builds, and every
 * process follows what is built.
 */
export interface CrlKeeper {
  /** Resolves with a CRL of every authority at hand, ours or that of another replica. @throws when none can be had */
  start(): Promise<void>;
  /** What has become due is built when a term begins, and a term ends when no build is in progress. */
  readonly leaderWork: LeaderWork;
  /** A revocation has committed. `urgent` does not wait for others to share the CRL. */
  notify(authority: string, urgent: boolean): void;
  /** One round over all authorities, now. Failures go to `onFailed` and are tried again in the next round. */
  maintain(): Promise<void>;
  /** Ends the timers and waits for a build in progress. */
  close(): Promise<void>;
}

export function createCrlKeeper(parts: CrlKeeperParts): CrlKeeper {
  const passing = createTask(parts.onChanged);
  // Not awaited by the round: an API server that does not answer must not delay the next CRL.
  let unpassed: Authority | undefined;
  const passOn = (authority: Authority): void => {
    unpassed = undefined;
    passing.run().catch((error: unknown) => {
      unpassed = authority;
      parts.onFailed(authority.name, error);
    });
  };
  const rounds = new Map(
    parts.authorities.map((authority) => [authority.name, createRound(parts, authority, passOn)]),
  );
  let poll: NodeJS.Timeout | undefined;

  const maintain = async (): Promise<void> => {
    // What failed to be passed on must not wait for the next CRL, which may be days away.
    if (unpassed !== undefined) passOn(unpassed);
    await Promise.all([...rounds.values()].map((round) => round.run()));
    await passing.settled();
  };

  return {
    maintain,
    async start() {
      await Promise.all([...rounds.values()].map((round) => round.untilServed()));
      await passing.settled();
      poll = setInterval(maintain, parts.pollSeconds * 1000);
      poll.unref();
    },
    leaderWork: {
      name: 'crl',
      async start() {
        void maintain();
      },
      async stop() {
        await Promise.all([...rounds.values()].map((round) => round.settled()));
      },
    },
    notify: (authority, urgent) => rounds.get(authority)?.notify(urgent),
    async close() {
      clearInterval(poll);
      await Promise.all([...rounds.values()].map((round) => round.close()));
      await passing.settled();
    },
  };
}

interface Task {
  /** Resolves after a run that began after this call. */
  run(): Promise<void>;
  /** Resolves when what was asked for until now is done or has failed. */
  settled(): Promise<void>;
}

/** One run at a time; what is asked for during a run causes one more after it. */
function createTask(work: () => Promise<void>): Task {
  let running: Promise<void> | undefined;
  let queued: Promise<void> | undefined;

  function begin(): Promise<void> {
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    run() {
      if (running === undefined) return begin();
      queued ??= running
        .catch(() => undefined)
        .then(() => {
          queued = undefined;
          return begin();
        });
      return queued;
    },
    async settled() {
      await (queued ?? running)?.catch(() => undefined);
    },
  };
}

interface Round {
  notify(urgent: boolean): void;
  run(): Promise<void>;
  /** Runs until there is a CRL to serve. @throws what the first build failed of */
  untilServed(): Promise<void>;
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** A replica that leads may have died before its first CRL: its time has to run out before another one builds. */
const firstCrlPatienceMs = 60_000;
const firstCrlPollMs = 200;

/**
 * The work on one authority's CRL: one build at a time. A build in progress may have taken its snapshot before a commit,
 * so what is asked for meanwhile causes one more.
 */
function createRound(
  parts: CrlKeeperParts,
  authority: Authority,
  onChanged: (authority: Authority) => void,
): Round {
  const task = createTask(work);
  let timer: { handle: NodeJS.Timeout; at: number } | undefined;
  let lastBuiltAt = Number.NEGATIVE_INFINITY;
  let closed = false;

  async function work(): Promise<void> {
    // A build compares with the CRL before it: that is read once, and not with every build.
    const read =
      parts.files.held(authority.name) === undefined && (await parts.files.refresh(authority.name));
    const started = performance.now();
    // What commits from now on waits for the next CRL, and that for others to share it.
    const before = lastBuiltAt;
    lastBuiltAt = parts.clock.now();
    const built = await parts.build(authority);
    lastBuiltAt = built === undefined ? before : parts.clock.now();
    if (built !== undefined) {
      parts.onBuilt(authority.name, (performance.now() - started) / 1000);
    }
    if ((await parts.files.refresh(authority.name)) || read) onChanged(authority);
  }

  async function untilServed(): Promise<void> {
    const end = performance.now() + firstCrlPatienceMs;
    for (;;) {
      await task.run();
      const isServed = await parts.files.current(authority.name).then(
        () => true,
        () => false,
      );
      if (isServed) return;
      if (performance.now() > end)
        throw new Fault('database-unavailable', `No replica has built a CRL of ${authority.name} yet`);
      await pause(firstCrlPollMs);
    }
  }

  async function run(): Promise<void> {
    if (closed) return;
    try {
      await task.run();
    } catch (error) {
      parts.onFailed(authority.name, error);
    }
  }

  return {
    run,
    untilServed,
    settled: task.settled,
    notify(urgent) {
      if (closed) return;
      const now = parts.clock.now();
      const at = urgent ? now : Math.max(now, lastBuiltAt + parts.coalesceSeconds * 1000);
      if (timer !== undefined && timer.at <= at) return;
      clearTimeout(timer?.handle);
      const handle = setTimeout(() => {
        timer = undefined;
        void run();
      }, at - now);
      timer = { handle, at };
    },
    async close() {
      closed = true;
      clearTimeout(timer?.handle);
      await task.settled();
    },
  };
}
