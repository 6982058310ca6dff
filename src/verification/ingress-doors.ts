import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import { membersOf } from '../members-of.ts';
import type { ClientVerificationRecord, ClientVerificationStore } from '../store/client-verifications.ts';
import { readAllowRules } from './allow-rule.ts';
import type { Door } from './door.ts';

/** The enforced Ingresses, in memory: their controllers ask about every request. */
export interface IngressDoors {
  find(namespace: string, name: string): Door | undefined;
  /**
   * For one that is not known: waits for the next look, since its record may be younger than the last one. However many ask, the
   * database is not asked more often.
   * @throws Fault database-unavailable
   */
  findAnew(namespace: string, name: string): Promise<Door | undefined>;
  /** Reads them all for the first time, then looks again and again. @throws Fault database-unavailable */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface IngressDoorParts {
  readonly rows: Pick<ClientVerificationStore, 'list' | 'version'>;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** A look failed; the doors stay as they are known. Once per outage. */
  onFailed(error: unknown): void;
}

/** An Ingress that was given back still asks until its controller has read that: it is answered as before for so long. */
const lingerMs = 60_000;

interface Entry {
  readonly door: Door;
  /** Since when its record is gone. */
  readonly goneAt?: number;
}

export function createIngressDoors({ rows, clock, intervalMs, onFailed }: IngressDoorParts): IngressDoors {
  let entries: ReadonlyMap<string, Entry> = new Map();
  let version: string | undefined;
  let next = upcoming();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let failing = false;
  let closed = false;

  async function look(): Promise<void> {
    const found = await rows.version();
    if (found === version) return;
    // Records that change between the two reads are seen again by the next look.
    entries = merge(entries, await rows.list(), clock.now());
    version = found;
  }

  async function lookAgain(): Promise<void> {
    const mine = next;
    next = upcoming();
    try {
      await look();
      failing = false;
      mine.resolve();
    } catch (error) {
      if (!failing) onFailed(error);
      failing = true;
      mine.reject(error);
    }
    forget();
    schedule();
  }

  function schedule(): void {
    if (closed) return;
    timer = setTimeout(() => {
      looking = lookAgain();
    }, intervalMs).unref();
  }

  function forget(): void {
    const now = clock.now();
    const kept = [...entries].filter(([, { goneAt }]) => goneAt === undefined || now - goneAt < lingerMs);
    if (kept.length < entries.size) entries = new Map(kept);
  }

  const find = (namespace: string, name: string): Door | undefined =>
    entries.get(`${namespace}/${name}`)?.door;

  return {
    find,
    async findAnew(namespace, name) {
      await next.promise;
      return find(namespace, name);
    },
    async start() {
      await look();
      schedule();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await looking;
      next.reject(new Fault('draining', 'The service is shutting down.', { retryAfterSeconds: 1 }));
    },
  };
}

/** A look that has not begun. Nobody may be waiting for it: then its failure is no news. */
function upcoming(): PromiseWithResolvers<void> {
  const look = Promise.withResolvers<void>();
  look.promise.catch(() => undefined);
  return look;
}

function merge(
  before: ReadonlyMap<string, Entry>,
  records: readonly ClientVerificationRecord[],
  now: number,
): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const record of records) {
    entries.set(`${record.namespace}/${record.name}`, { door: doorOf(record) });
  }
  for (const [key, entry] of before) {
    if (!entries.has(key)) entries.set(key, { ...entry, goneAt: entry.goneAt ?? now });
  }
  return entries;
}

function doorOf({ authority, spec }: ClientVerificationRecord): Door {
  const { mode, allow } = membersOf(membersOf(spec).settings);
  return {
    header: 'ssl-client-cert',
    needsTlsVerdict: true,
    certificateRequired: mode !== 'optional',
    authority,
    ...(allow === undefined ? {} : { allow: rulesOf(allow) }),
  };
}

/** Rules that cannot be read let nobody in: written by a newer program, they may be narrower than this one knows. */
function rulesOf(allow: unknown): Door['allow'] {
  try {
    return readAllowRules(allow, 'allow');
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
}
