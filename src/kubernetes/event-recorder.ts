import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { Logger } from '../observability/logger.ts';
import type { KubernetesApi } from './client.ts';
import { createEventLimits } from './event-limits.ts';
import type { ObjectReference } from './objects.ts';

export interface RecordedEvent {
  readonly type: 'Normal' | 'Warning';
  /** One word in UpperCamelCase. */
  readonly reason: string;
  /** Cut to 1,024 characters. */
  readonly message: string;
}

/**
 * Events for `kubectl describe`, kept within bounds as client-go's recorder does. They are for people to read:
 * nothing may depend on one, and one that cannot be written is lost.
 */
export interface EventRecorder {
  /**
   * Returns at once and never throws. The same again within ten minutes counts the first one up. What an object
   * causes beyond 25 is written once in five minutes.
   */
  record(regarding: ObjectReference, event: RecordedEvent): void;
  /** Takes no more, and resolves when what is waiting has been written, or after two seconds. */
  close(): Promise<void>;
}

export interface EventRecorderParts {
  readonly api: Pick<KubernetesApi, 'createEvent' | 'patchEvent'>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** The limit of the newer Events API, which shows the same objects. */
const maxMessageLength = 1024;
const sameWithinMs = 10 * 60_000;
/** What waits for the API server; of more, the newest are lost. */
const maxWaiting = 200;
/** What can still be counted up; of more, the oldest are forgotten. */
const maxRemembered = 4096;
const lastWordsMs = 2000;

/** One Event, as often as it has happened so far. */
interface Occurrence {
  readonly key: string;
  readonly regarding: ObjectReference;
  readonly event: RecordedEvent;
  readonly first: number;
  last: number;
  count: number;
  /** The name of the Event object, once it is there. */
  name: string | undefined;
}

export function createEventRecorder({ api, clock, log }: EventRecorderParts): EventRecorder {
  const limits = createEventLimits(clock);
  const remembered = new Map<string, Occurrence>();
  const waiting = new Set<Occurrence>();
  let writing: Promise<void> | undefined;
  let closed = false;
  /** Since the last one that was written. */
  let lost = 0;

  function happened(regarding: ObjectReference, event: RecordedEvent): Occurrence {
    const now = clock.now();
    const key = JSON.stringify([regarding, event]);
    const known = remembered.get(key);
    const occurrence =
      known !== undefined && Math.abs(now - known.last) < sameWithinMs
        ? known
        : { key, regarding, event, first: now, last: now, count: 0, name: undefined };
    occurrence.count += 1;
    occurrence.last = now;
    // Deleted first: a Map keeps the order of insertion, and the oldest is forgotten first.
    remembered.delete(key);
    remembered.set(key, occurrence);
    const [oldest] = remembered.keys();
    if (remembered.size > maxRemembered && oldest !== undefined) remembered.delete(oldest);
    return occurrence;
  }

  /** One after the other: an API server that is slow is not asked for more. */
  async function writeAll(): Promise<void> {
    for (const occurrence of waiting) {
      waiting.delete(occurrence);
      try {
        await write(api, occurrence);
        if (lost > 0) log.info({ lost }, 'Kubernetes Events are written again');
        lost = 0;
      } catch (error) {
        lose(occurrence, error);
      }
    }
    writing = undefined;
  }

  function lose(occurrence: Occurrence, error: unknown): void {
    const code = error instanceof Fault ? error.code : 'internal';
    forget(occurrence);
    // The object's namespace is going, or gone: nobody will look for the Event.
    if (code === 'conflict' || code === 'namespace-not-found') return;
    if (lost === 0) log.warn({ err: error }, 'A Kubernetes Event could not be written; such Events are lost');
    lost += 1;
    if (code !== 'kubernetes-unavailable') return;
    // The others would each wait for the same outage.
    lost += waiting.size;
    for (const other of waiting) forget(other);
    waiting.clear();
  }

  function forget(occurrence: Occurrence): void {
    if (remembered.get(occurrence.key) === occurrence) remembered.delete(occurrence.key);
  }

  return {
    record(regarding, { type, reason, message }) {
      if (closed) return;
      const occurrence = happened(regarding, { type, reason, message: shorten(message) });
      if (!limits.take(regarding)) return;
      if (waiting.size >= maxWaiting && !waiting.has(occurrence)) {
        forget(occurrence);
        lost += 1;
        return;
      }
      waiting.add(occurrence);
      writing ??= writeAll();
    },
    async close() {
      closed = true;
      const enough = new AbortController();
      const late = pause(lastWordsMs, undefined, { signal: enough.signal }).catch(() => undefined);
      await Promise.race([writing, late]);
      enough.abort();
      waiting.clear();
    },
  };
}

/** Counts up the Event that is there; makes it where there is none, or none any more (they live for an hour). */
async function write(api: EventRecorderParts['api'], occurrence: Occurrence): Promise<void> {
  const { regarding, event, first, last, count } = occurrence;
  const { namespace } = regarding;
  const latest = { count, lastTimestamp: toTimestamp(last) };
  if (occurrence.name !== undefined) {
    const patched = await api.patchEvent(namespace, occurrence.name, { type: 'merge', body: latest });
    if (patched !== undefined) return;
  }
  const { metadata } = await api.createEvent({
    metadata: { name: nameFor(regarding), namespace },
    involvedObject: regarding,
    ...event,
    ...latest,
    firstTimestamp: toTimestamp(first),
    source: { component: 'internal-ca' },
  });
  occurrence.name = metadata.name;
}

/** The object's name and something random, as client-go's are, within the 253 characters of a name. */
function nameFor({ name }: ObjectReference): string {
  const start = name.slice(0, 230).replace(/[-.]+$/, '');
  return `${start}.${randomBytes(8).toString('hex')}`;
}

function shorten(message: string): string {
  return message.length <= maxMessageLength ? message : `${message.slice(0, maxMessageLength - 1)}…`;
}

/** `Time` of the API has whole seconds. */
function toTimestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}
