import type { BackOffSettings } from '../kubernetes/client.ts';
import { createWorkQueue } from '../reconcile/create-work-queue.ts';
import { createTrouble } from '../reconcile/trouble.ts';
import type { PublicationStore } from '../store/publications.ts';
import type { PublishedCopy } from './publisher.ts';

export interface CopyRecordsOptions {
  readonly store: Pick<PublicationStore, 'save' | 'retain'>;
  readonly epoch: bigint;
  readonly retry: BackOffSettings;
  /** Once for each cause; it is tried again. */
  onTrouble(error: unknown): void;
}

/** Writes down what the leader knows of the copies, for the other replicas: many changes in one statement. */
export interface CopyRecords {
  /** As `CopyBook.onChanged`. */
  note(target: string, copy: PublishedCopy | undefined): void;
  /** From now on there are no other copies than these, and those that are noted later. */
  retain(targets: readonly string[]): void;
  close(): Promise<void>;
}

const key = 'changes';

export function createCopyRecords(o: CopyRecordsOptions): CopyRecords {
  let changes = new Map<string, PublishedCopy | undefined>();
  const trouble = createTrouble();
  let retained: readonly string[] | undefined;

  async function flush(): Promise<undefined> {
    const [taken, targets] = [changes, retained];
    changes = new Map();
    retained = undefined;
    try {
      if (targets !== undefined) await o.store.retain(targets, o.epoch);
      const put = [...taken.values()].filter((copy) => copy !== undefined);
      const forget = [...taken].filter(([, copy]) => copy === undefined).map(([target]) => target);
      await o.store.save({ put, forget }, o.epoch);
      trouble.over();
    } catch (error) {
      // What came meanwhile is newer.
      changes = new Map([...taken, ...changes]);
      retained ??= targets;
      throw error;
    }
  }

  const queue = createWorkQueue({
    reconcile: flush,
    retry: o.retry,
    onFailed(_key, error) {
      if (trouble.isNews(error)) o.onTrouble(error);
    },
  });

  return {
    note(target, copy) {
      changes.set(target, copy);
      queue.add(key);
    },
    retain(targets) {
      retained = targets;
      queue.add(key);
    },
    close: () => queue.close(),
  };
}
