import type { Clock } from '../clock.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { CopyReason, PublishedCopy } from './publisher.ts';
import type { Target, WrittenCopy } from './target.ts';

export interface CopyBookOptions {
  readonly clock: Clock;
  readonly metrics?: Pick<Metrics, 'publicationSucceeded' | 'publicationFailed' | 'publicationForgotten'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Something is to be told of this target, or (undefined) nothing any more. */
  onChanged?(target: string, copy: PublishedCopy | undefined): void;
}

/** What this process knows of the copies that it keeps. */
export interface CopyBook {
  get(target: string): PublishedCopy | undefined;
  list(): PublishedCopy[];
  /** A copy is wanted; what is known of it stays. */
  expect(target: Target, why: readonly CopyReason[]): void;
  written(target: Target, why: readonly CopyReason[], copy: WrittenCopy): void;
  /** The last good copy still stands. @returns whether that is news */
  failed(target: Target, why: readonly CopyReason[], error: unknown): boolean;
  /** It cannot be there at present, and nobody has to do anything. */
  waiting(target: Target, why: readonly CopyReason[], waitingFor: string): void;
  forget(target: string): void;
}

export function createCopyBook(o: CopyBookOptions): CopyBook {
  const copies = new Map<string, PublishedCopy>();

  function put(target: Target, why: readonly CopyReason[], news: Partial<PublishedCopy>): void {
    const { error: _error, waitingFor: _waitingFor, ...before } = copies.get(target.id) ?? empty(target);
    const copy = { ...before, ...news, why };
    copies.set(target.id, copy);
    o.onChanged?.(target.id, copy);
  }

  return {
    get: (target) => copies.get(target),
    list: () => [...copies.values()],
    expect(target, why) {
      const known = copies.get(target.id);
      if (known === undefined) copies.set(target.id, { ...empty(target), why });
      else if (known.why.join() !== why.join()) {
        copies.set(target.id, { ...known, why });
        if (known.state !== 'Pending') o.onChanged?.(target.id, { ...known, why });
      }
    },
    written(target, why, written) {
      const now = new Date(o.clock.now());
      const before = written.change === 'kept' ? copies.get(target.id)?.writtenAt : undefined;
      const copy = currentCopy(target, why, written, before ?? now);
      copies.set(target.id, copy);
      o.onChanged?.(target.id, copy);
      o.metrics?.publicationSucceeded(target.id, now);
      const { crlNumber, crlForm } = copy;
      if (written.change !== 'kept') o.log.info({ target: target.id, crlNumber, crlForm }, 'published');
    },
    failed(target, why, error) {
      const text = error instanceof Error ? error.message : String(error);
      const news = copies.get(target.id)?.error !== text;
      put(target, why, { state: 'Failed', error: text });
      o.metrics?.publicationFailed(target.id);
      if (news) o.log.warn({ target: target.id, err: error }, 'publication failed; it will be tried again');
      return news;
    },
    waiting(target, why, waitingFor) {
      const news = copies.get(target.id)?.waitingFor !== waitingFor;
      if (news) o.log.info({ target: target.id, waitingFor }, 'publication waits');
      copies.delete(target.id);
      put(target, why, { state: 'Waiting', waitingFor });
      // No series: neither its age nor its errors are anybody's alarm.
      o.metrics?.publicationForgotten(target.id);
    },
    forget(target) {
      if (!copies.delete(target)) return;
      o.metrics?.publicationForgotten(target);
      o.onChanged?.(target, undefined);
    },
  };
}

/** @param otherwise when it was written, if the copy itself does not tell */
export function currentCopy(
  target: Target,
  why: readonly CopyReason[],
  { crlNumber, crlForm, caFingerprints, sizeBytes, writtenAt }: WrittenCopy,
  otherwise: Date,
): PublishedCopy {
  return {
    ...empty(target),
    state: 'Current',
    why,
    caFingerprints,
    sizeBytes,
    writtenAt: writtenAt ?? otherwise,
    ...(crlNumber === undefined ? {} : { crlNumber: crlNumber.toString() }),
    ...(crlForm === undefined ? {} : { crlForm }),
  };
}

function empty({ id, limitBytes }: Target): PublishedCopy {
  return {
    target: id,
    state: 'Pending',
    why: [],
    caFingerprints: [],
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}
