import type { Logger } from '../observability/logger.ts';
import type { WorkResult } from '../reconcile/work-queue.ts';
import type { CrlForm } from '../store/publications.ts';
import type { CopyBook } from './copy-book.ts';
import type { CopyEvents } from './copy-events.ts';
import type { CopyForms } from './copy-forms.ts';
import type { Place } from './copy-places.ts';
import type { CopyViews } from './copy-views.ts';
import type { CopyReason } from './publisher.ts';
import type { RepairPace } from './repair-pace.ts';
import type { WrittenCopy } from './target.ts';
import type { TrustMaterial } from './trust-material.ts';
import { waitingFor } from './waiting.ts';
import type { WriteFence } from './write-fence.ts';

export interface CopyWriterOptions {
  readonly fence: WriteFence;
  readonly book: CopyBook;
  readonly events: CopyEvents;
  readonly pace: Pick<RepairPace, 'repaired'>;
  readonly views: Pick<CopyViews, 'copy'>;
  material(): TrustMaterial | undefined;
  readonly forms: Pick<CopyForms, 'of'>;
  /** How often to try what waits, and to read what cannot be watched. In milliseconds. */
  readonly waitingMs: number;
  readonly log: Pick<Logger, 'info'>;
}

/** Brings single copies to the newest material, and remembers how it left them. */
export interface CopyWriter {
  /** @throws what the target throws */
  bring(place: Place, why: readonly CopyReason[]): Promise<WorkResult | undefined>;
  /** The version that we left; what the watch shows beyond that is somebody else's doing. */
  leftAt(target: string): string | undefined;
  /** Not ours to know about any more. */
  forget(target: string): void;
  /** Reads this copy again the next time. */
  doubt(target: string): void;
  /** Reads every copy again the next time. */
  doubtAll(): void;
}

/** How a copy was left. */
interface Left {
  readonly resourceVersion?: string;
  readonly material: TrustMaterial;
  readonly form: CrlForm;
}

export function createCopyWriter(o: CopyWriterOptions): CopyWriter {
  const { book, events } = o;
  const left = new Map<string, Left>();

  /** What the watch shows is what we know to be right: not worth reading up to 1 MiB again. */
  function isAsWeLeftIt(place: Place, material: TrustMaterial, form: CrlForm): boolean {
    const known = left.get(place.target.id);
    if (place.kind === 'ClusterTrustBundle' || known?.resourceVersion === undefined) return false;
    const seen = o.views.copy(place)?.metadata.resourceVersion;
    return known.material === material && known.form === form && known.resourceVersion === seen;
  }

  const formOf = (place: Place): CrlForm => (place.kind === 'Secret' ? o.forms.of(place.namespace) : 'none');

  function tell(place: Place, why: readonly CopyReason[], written: WrittenCopy, repaired: boolean): void {
    const { id } = place.target;
    book.written(place.target, why, written);
    if (repaired) {
      o.pace.repaired(id);
      o.log.info({ target: id }, 'somebody had changed or deleted a copy; it was repaired');
      events.repaired(place, written);
    } else if (written.change === 'created') {
      events.published(place, written);
    }
  }

  function wait(place: Place, why: readonly CopyReason[], reason: string): WorkResult {
    left.delete(place.target.id);
    book.waiting(place.target, why, reason);
    return { againMs: o.waitingMs };
  }

  /** The material stays known: what was changed since is still a repair. */
  function doubt(target: string): void {
    const known = left.get(target);
    if (known !== undefined) left.set(target, { material: known.material, form: known.form });
  }

  return {
    async bring(place, why) {
      const { target } = place;
      const material = o.material();
      book.expect(target, why);
      const form = formOf(place);
      if (material === undefined || isAsWeLeftIt(place, material, form)) return undefined;
      let written: WrittenCopy | undefined;
      try {
        written = await target.write(material, form, o.fence);
      } catch (error) {
        const reason = waitingFor(error);
        if (reason === undefined) throw error;
        return wait(place, why, reason);
      }
      if (written === undefined) return wait(place, why, 'The cluster does not serve this kind of object.');
      const before = left.get(target.id);
      left.set(target.id, { ...written, material, form });
      const expected = before?.material === material && before.form === form;
      tell(place, why, written, expected && written.change !== 'kept');
      return place.kind === 'ClusterTrustBundle' ? { againMs: o.waitingMs } : undefined;
    },
    leftAt: (target) => left.get(target)?.resourceVersion,
    forget(target) {
      left.delete(target);
      book.forget(target);
    },
    doubt,
    doubtAll() {
      for (const target of left.keys()) doubt(target);
    },
  };
}
