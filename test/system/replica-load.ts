import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fetchCrl, type Ledger, place, revoke } from './ledger.ts';
import type { Fleet, Replica } from './replica-fleet.ts';

export interface FleetLoad {
  /** Answers to issue and revoke that this replica has given. */
  answers(replica: Replica): number;
  /** Ends it. Throws when a replica that nobody had touched did not do as asked. */
  stop(): Promise<void>;
}

/** So that a client leaves time for the others, and for the processes themselves. */
const restMs = 20;

/**
 * At each replica a client that issues, one that revokes what it has issued, and one that fetches the CRL. A request may fail
 * only while the test has its hands on that very replica; every other answer has to be the right one.
 */
export function startFleetLoad({ replicas }: Fleet, ledger: Ledger, csr: string): FleetLoad {
  let stopped = false;
  const answers = new Map<Replica, number>();
  const newest = new Map<Replica, bigint>();

  async function client(replica: Replica, request: () => Promise<void>): Promise<void> {
    while (!stopped) {
      await delay(restMs);
      if (!replica.up) continue;
      const { disturbances } = replica;
      try {
        await request();
      } catch (error) {
        if (replica.up && replica.disturbances === disturbances)
          throw new Error(`${replica.name} failed`, { cause: error });
      }
    }
  }

  const count = (replica: Replica): void => void answers.set(replica, (answers.get(replica) ?? 0) + 1);
  const clients = replicas.flatMap((replica) => {
    const { service } = replica;
    const mine: string[] = [];
    const issue = async (): Promise<void> => {
      mine.push(await place(service, ledger, { idempotencyKey: randomUUID(), csr }));
      count(replica);
    };
    const revokeOne = async (): Promise<void> => {
      const serial = mine.pop();
      if (serial === undefined) return;
      await revoke(service, ledger, serial);
      count(replica);
    };
    const watchCrl = async (): Promise<void> => {
      const { number } = await fetchCrl(service, ledger);
      const before = newest.get(replica) ?? 0n;
      newest.set(replica, number);
      assert.ok(number >= before, `${replica.name} served CRL ${number} after ${before}`);
    };
    return [client(replica, issue), client(replica, revokeOne), client(replica, watchCrl)];
  });
  const all = Promise.all(clients);
  // Whoever stops the load sees the failure; until then nobody listens.
  all.catch(() => undefined);
  return {
    answers: (replica) => answers.get(replica) ?? 0,
    async stop() {
      stopped = true;
      await all;
    },
  };
}
