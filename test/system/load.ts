import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestService } from '../support/service.ts';
import { fetchCrl, type Ledger, place, revoke } from './ledger.ts';

export interface LoadOptions {
  readonly csrs: readonly string[];
  readonly issuers: number;
  readonly revokers: number;
}

/** Clients that keep a service busy, each with one request at a time. */
export interface Load {
  /** Resolves when this many issues and revocations have been answered since the beginning. Rejects when a client was told wrong. */
  answered(count: number): Promise<void>;
  /** No new requests; resolves when each client has its last answer, or has lost its connection. */
  stop(): Promise<void>;
}

/**
 * Issues, revokes and fetches CRLs until `stop`. A broken connection ends its client: that is what a killed service looks
 * like. Every other surprise fails the load.
 */
export function startLoad(service: TestService, ledger: Ledger, options: LoadOptions): Load {
  let stopped = false;
  let answers = 0;
  let check: () => void = () => undefined;
  let tell: () => void = () => undefined;

  async function client(request: (turn: number) => Promise<void>): Promise<void> {
    for (let turn = 0; !stopped; turn++) {
      try {
        await request(turn);
      } catch (error) {
        if (isLostConnection(error)) return;
        throw error;
      }
    }
  }

  async function counted(request: Promise<void>): Promise<void> {
    await request;
    answers++;
    check();
  }

  async function issue(turn: number): Promise<void> {
    const csr = options.csrs[turn % options.csrs.length] ?? '';
    await place(service, ledger, { idempotencyKey: randomUUID(), csr });
  }

  /** The newest first, so that the revocation follows close on the insert. */
  async function revokeOne(): Promise<void> {
    const serial = [...ledger.issued.keys()].findLast((known) => !taken.has(known));
    if (serial === undefined) return issue(0);
    taken.add(serial);
    await revoke(service, ledger, serial);
  }

  let newest = 0n;
  async function watchCrl(): Promise<void> {
    const { number } = await fetchCrl(service, ledger);
    if (number < newest) throw new Error(`CRL ${number} was served after CRL ${newest}`);
    newest = number;
    await delay(20);
  }

  const taken = new Set(ledger.revoked);
  const clients = [
    ...Array.from({ length: options.issuers }, () => client((turn) => counted(issue(turn)))),
    ...Array.from({ length: options.revokers }, () => client(() => counted(revokeOne()))),
    client(watchCrl),
  ];
  const all = Promise.all(clients).finally(() => tell());
  // Whoever waits for answers, or stops the load, sees the failure; until then nobody listens.
  all.catch(() => undefined);

  return {
    answered: (count) =>
      new Promise((resolve, reject) => {
        check = () => {
          if (answers >= count) resolve();
        };
        tell = () =>
          void all.then(() => reject(new Error(`the load ended after ${answers} answers`)), reject);
        check();
      }),
    async stop() {
      stopped = true;
      await all;
    },
  };
}

/** What `fetch` throws when there is no answer. */
function isLostConnection(error: unknown): boolean {
  return error instanceof TypeError && /fetch failed|terminated/.test(error.message);
}
