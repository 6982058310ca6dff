import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import {
  type RevocationChangesReader,
  type RevocationHead,
  type RevocationPage,
  revocationFieldOctets,
} from '../store/revocation-changes-reader.ts';
import { reasonCodeOf, reasonOfCode } from '../x509/revocation-reason.ts';
import type { RevocationChange, RevocationIndex } from './revocation-index.ts';
import { createRevocationTable, type RevocationTable } from './revocation-index-table.ts';

export interface RevocationIndexParts {
  readonly reader: RevocationChangesReader;
  readonly clock: Clock;
  /** Milliseconds since some moment; never goes back. */
  readonly monotonic: () => number;
  /** How often to look whether anything has changed, where no notice arrives. */
  readonly pollMs: number;
  /** Each time that it could not be brought up to date. What is known stays in force, and it is tried again. */
  readonly onFailed: (error: unknown) => void;
  /** It is up to date again. */
  readonly onRecovered: () => void;
  /** It was read as a whole: at the start, and when the database is another one than before. */
  readonly onLoaded: (loaded: { readonly entries: number; readonly position: bigint }) => void;
}

/** An index that follows the database by itself. */
export interface RunningRevocationIndex extends RevocationIndex {
  /** Resolves when everything is known, and follows from then on. @throws what the first reading failed of */
  start(): Promise<void>;
  /** Something may have changed: looks at once. */
  wake(): void;
  /** Resolves when nothing of it runs any more. */
  close(): Promise<void>;
}

/** So that a burst of notices is not as many queries. */
const shortestPauseMs = 10;

/**
 * Whose clock is behind still takes the certificate, and may ask; and our own may have been ahead for a while. So an entry
 * outlives its certificate.
 */
const keptAfterExpiryMs = 86_400_000;

interface State {
  readonly table: RevocationTable;
  readonly head: RevocationHead;
  /** When it was known to miss nothing. */
  readonly at: number;
  /** Whose certificates expired before this may be missing; milliseconds since 1970. */
  readonly since: number;
}

const unknown = (): State => ({
  table: createRevocationTable(),
  head: { position: 0n, origin: '' },
  at: Number.NEGATIVE_INFINITY,
  since: 0,
});

export function createRevocationIndex(parts: RevocationIndexParts): RunningRevocationIndex {
  const { reader, clock, monotonic } = parts;
  const listeners = new Set<(change: RevocationChange) => void>();
  const alarm = createAlarm(parts.pollMs);
  let state = unknown();
  let following: Promise<void> | undefined;
  let closed = false;

  function tell(change: RevocationChange): void {
    for (const listener of listeners) listener(change);
  }

  function tellOf(page: RevocationPage): void {
    // In a page of thousands their text is most of the work.
    if (listeners.size > 0) tell({ kind: 'changed', authority: page.authority, serials: serialsOf(page) });
  }

  /** Aside, so that whoever asks meanwhile gets the answers of before. */
  async function load(): Promise<void> {
    const at = monotonic();
    const since = clock.now() - keptAfterExpiryMs;
    const table = createRevocationTable();
    const head = await reader.readAll(new Date(since), (page) => applyPage(table, page));
    state = { table, head, at, since };
    parts.onLoaded({ entries: table.size, position: head.position });
    tell({ kind: 'reloaded' });
  }

  async function look(): Promise<void> {
    const at = monotonic();
    const head = await reader.head();
    const { head: known, since } = state;
    const isAnother = head.origin !== known.origin || head.position < known.position;
    // The clock was ahead, by more than the day that we allow for: what is not expired after all has to come back.
    if (isAnother || clock.now() < since) await load();
    else if (head.position > known.position) await catchUp(known, at);
    else state = { ...state, at };
  }

  async function catchUp(known: RevocationHead, at: number): Promise<void> {
    const { table } = state;
    const head = await reader.readChanges(known.position, (page) => {
      applyPage(table, page);
      tellOf(page);
    });
    // Another server answered this query: nothing said that these are the changes to what we have.
    if (head.origin !== known.origin) await load();
    else state = { ...state, head, at };
  }

  function forgetExpired(): void {
    const since = Math.max(state.since, clock.now() - keptAfterExpiryMs);
    state = { ...state, since };
    state.table.dropExpired(Math.floor(since / 1000));
  }

  async function follow(): Promise<void> {
    let failed = false;
    for (;;) {
      await alarm.next();
      if (closed) return;
      try {
        await look();
        forgetExpired();
        if (failed) parts.onRecovered();
        failed = false;
      } catch (error) {
        failed = true;
        parts.onFailed(error);
      }
      await pause(shortestPauseMs, undefined, { ref: false });
    }
  }

  return {
    async start() {
      await load();
      following ??= follow();
    },
    wake: alarm.ring,
    async close() {
      closed = true;
      alarm.ring();
      await following;
    },
    lookup(authority, serial) {
      const entry = state.table.get(authority, serial);
      if (entry === undefined) return undefined;
      return {
        reason: reasonOfCode(entry.reasonCode) ?? 'unspecified',
        revokedAt: new Date(entry.revokedAt * 1000),
      };
    },
    get position() {
      return state.head.position;
    },
    get size() {
      return state.table.size;
    },
    ageMs: () => monotonic() - state.at,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

interface Alarm {
  /** Resolves after the interval, or when it has rung since the last time. */
  next(): Promise<void>;
  ring(): void;
}

function createAlarm(everyMs: number): Alarm {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    async next() {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, everyMs).unref();
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      rung = false;
    },
    ring() {
      rung = true;
      wake?.();
    },
  };
}

const removed = reasonCodeOf('removeFromCRL');

function applyPage(table: RevocationTable, { authority, records }: RevocationPage): void {
  for (const { at, serialAt, length } of recordsIn(records)) {
    const reasonCode = records.readUInt8(at);
    if (reasonCode === removed) table.delete(authority, records, serialAt, length);
    else {
      table.set(authority, records, serialAt, length, {
        reasonCode,
        revokedAt: secondsAt(records, at + 1),
        notAfter: secondsAt(records, at + 9),
      });
    }
  }
}

/** In lower-case hex. */
function serialsOf({ records }: RevocationPage): string[] {
  return Array.from(recordsIn(records), ({ serialAt, length }) =>
    records.toString('hex', serialAt, serialAt + length),
  );
}

interface RecordPlace {
  readonly at: number;
  readonly serialAt: number;
  readonly length: number;
}

function* recordsIn(records: Buffer): Generator<RecordPlace> {
  for (let at = 0; at < records.length; ) {
    const serialAt = at + revocationFieldOctets;
    const length = records.readUInt8(serialAt - 1);
    yield { at, serialAt, length };
    at = serialAt + length;
  }
}

/** From 64 bits to 32: before 1970 and after 2106 count as the nearest. */
function secondsAt(octets: Buffer, at: number): number {
  const seconds = octets.readInt32BE(at) * 0x1_0000_0000 + octets.readUInt32BE(at + 4);
  return Math.min(Math.max(seconds, 0), 0xffff_ffff);
}
