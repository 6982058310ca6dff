import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type BackOffSettings, createBackOff } from '../kubernetes/back-off.ts';
import type { Database } from './database.ts';

/** What one replica tells the others, so that they need not wait until they look. */
export type Notice =
  /** A revocation has committed; `urgent` when a key is in the wrong hands. */
  | { readonly kind: 'revoked'; readonly authority: string; readonly urgent: boolean }
  /** There is a new CRL. */
  | { readonly kind: 'crl'; readonly authority: string }
  /** Nobody leads. */
  | { readonly kind: 'vacant' };

export interface NoticeHandler {
  /** Comes to every replica, the one that sent it included. */
  onNotice(notice: Notice): void;
  /** From now on notices arrive; those of before have perhaps not. */
  onListening(): void;
}

/**
 * Notices between the replicas on a database, by LISTEN and NOTIFY. They only save time: each may get lost, and where they
 * never arrive, as behind a pooler of transactions, everything is found by looking.
 */
export interface Notifications {
  /** Best effort, and in nobody's way: returns at once, never throws; the same notice many times over goes out once. */
  send(notice: Notice): void;
  /** Connects, and again whenever the connection breaks. */
  listen(handler: NoticeHandler): void;
  close(): Promise<void>;
}

export interface NotificationOptions {
  readonly url: string;
  /** For sending. */
  readonly database: Pick<Database, 'query'>;
  readonly connectTimeoutMs: number;
  /** Pauses between attempts to connect. */
  readonly retry: BackOffSettings;
  /** A connection that died without a word is found out this often. */
  readonly pingMs: number;
  /** Once for each time that the connection is lost or cannot be had. */
  readonly onLost: (error: unknown) => void;
}

const channel = 'internal_ca';
const pingTimeoutMs = 5_000;
const farewellMs = 1_000;

export function createNotifications(options: NotificationOptions): Notifications {
  const outbox = createOutbox(options.database);
  const closing = new AbortController();
  let listening: Promise<void> | undefined;
  return {
    send: outbox.send,
    listen(handler) {
      listening ??= keepListening(options, handler, closing.signal);
    },
    async close() {
      closing.abort();
      await Promise.all([listening, outbox.idle()]);
    },
  };
}

/** One statement at a time; what is sent meanwhile goes with the next one, each notice once. */
function createOutbox(database: Pick<Database, 'query'>): {
  send(notice: Notice): void;
  idle(): Promise<void>;
} {
  const waiting = new Set<string>();
  let sending: Promise<void> | undefined;

  async function flush(): Promise<void> {
    while (waiting.size > 0) {
      const payloads = [...waiting];
      waiting.clear();
      const statement = {
        text: 'select pg_notify($1, payload) from unnest($2::text[]) payload',
        values: [channel, payloads],
      };
      // Nobody waits for it, and whoever looks finds out without it.
      await database.query(statement).catch(() => undefined);
    }
  }

  return {
    send(notice) {
      waiting.add(JSON.stringify(notice));
      sending ??= flush().finally(() => {
        sending = undefined;
      });
    },
    idle: async () => await sending,
  };
}

async function keepListening(
  options: NotificationOptions,
  handler: NoticeHandler,
  signal: AbortSignal,
): Promise<void> {
  const backOff = createBackOff(options.retry);
  while (!signal.aborted) {
    try {
      await listenOnce(options, handler, signal, () => backOff.reset());
    } catch (error) {
      if (!signal.aborted) options.onLost(error);
    }
    await pause(backOff.next(), signal);
  }
}

/** Resolves when the signal aborts, and rejects when the connection is lost. */
async function listenOnce(
  { url, connectTimeoutMs, pingMs }: NotificationOptions,
  handler: NoticeHandler,
  signal: AbortSignal,
  onListening: () => void,
): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'internal-ca listen',
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: pingTimeoutMs,
    keepAlive: true,
  });
  const lost = new Promise<never>((_, reject) => {
    client.once('error', reject);
    client.once('end', () => reject(new Error('the connection was closed')));
  });
  lost.catch(() => undefined);
  // A second error, as of a socket that is closed already, has nobody to tell.
  client.on('error', () => undefined);
  client.on('notification', ({ payload }) => {
    const notice = parse(payload);
    if (notice !== undefined) handler.onNotice(notice);
  });
  try {
    await client.connect();
    await client.query(`listen ${channel}`);
    onListening();
    handler.onListening();
    while (!signal.aborted) {
      await Promise.race([pause(pingMs, signal), lost]);
      if (!signal.aborted) await client.query('select 1');
    }
  } finally {
    // On a connection that died without a word the farewell has no answer.
    await Promise.race([client.end().catch(() => undefined), delay(farewellMs, undefined, { ref: false })]);
  }
}

/** Anybody who may connect may notify: what is not ours is not there. */
function parse(payload: string | undefined): Notice | undefined {
  let value: unknown;
  try {
    value = JSON.parse(payload ?? '');
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined;
  if (value.kind === 'vacant') return { kind: 'vacant' };
  if (!('authority' in value) || typeof value.authority !== 'string') return undefined;
  const { authority } = value;
  if (value.kind === 'crl') return { kind: 'crl', authority };
  if (value.kind !== 'revoked') return undefined;
  return { kind: 'revoked', authority, urgent: 'urgent' in value && value.urgent === true };
}

/** Resolves early when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
