import { createWorkQueue } from '../reconcile/create-work-queue.ts';
import type { KeeperTimes } from './cluster-keeper.ts';
import { type CopyBookOptions, createCopyBook } from './copy-book.ts';
import { directoryTarget } from './directory-target.ts';
import type { PublishedCopy } from './publisher.ts';
import type { TrustMaterial } from './trust-material.ts';

export interface FileKeeperOptions extends CopyBookOptions {
  readonly directory: string;
  readonly secretName: string;
  /** Run by `/bin/sh -c` after the files changed. */
  readonly command?: string | undefined;
  readonly commandTimeoutMs: number;
  readonly times: Pick<KeeperTimes, 'retry' | 'resyncMs'>;
  material(): TrustMaterial | undefined;
}

/** Keeps the files of this process: nobody else can, so no leader is asked. */
export interface FileKeeper {
  /** There is new material: resolves when it was tried once. */
  bring(): Promise<void>;
  /** If it is this one, it is read again. */
  recheck(target: string): void;
  copies(): PublishedCopy[];
  /** Ends a running command too. */
  close(): Promise<void>;
}

export function createFileKeeper(o: FileKeeperOptions): FileKeeper {
  const closing = new AbortController();
  const target = directoryTarget({
    path: o.directory,
    secretName: o.secretName,
    ...(o.command === undefined ? {} : { command: o.command }),
    commandTimeoutMs: o.commandTimeoutMs,
    signal: closing.signal,
  });
  const book = createCopyBook(o);
  book.expect(target, ['configured']);

  const queue = createWorkQueue({
    async reconcile() {
      const material = o.material();
      if (material === undefined) return undefined;
      book.written(target, ['configured'], await target.write(material));
      return { againMs: o.times.resyncMs };
    },
    retry: o.times.retry,
    onFailed(_key, error) {
      if (!closing.signal.aborted) book.failed(target, ['configured'], error);
    },
  });

  return {
    bring: () => queue.now(target.id).catch(() => undefined), // in copies(), and tried again
    recheck(id) {
      if (id === target.id) queue.add(id);
    },
    copies: () => book.list(),
    close() {
      closing.abort();
      return queue.close();
    },
  };
}
