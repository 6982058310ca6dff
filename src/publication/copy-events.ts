import { Fault } from '../fault.ts';
import type { EventRecorder, RecordedEvent } from '../kubernetes/event-recorder.ts';
import type { Place } from './copy-places.ts';
import type { WrittenCopy } from './target.ts';

const foreignReason = { Secret: 'ForeignSecret', ConfigMap: 'ForeignConfigMap' } as const;

/** What happened to a copy, on the object itself. A new CRL is no news: that is what copies are for. */
export interface CopyEvents {
  published(place: Place, copy: WrittenCopy): void;
  /** Somebody had edited or deleted it. */
  repaired(place: Place, copy: WrittenCopy): void;
  failed(place: Place, error: unknown, uid: string | undefined): void;
}

export function createCopyEvents(recorder: Pick<EventRecorder, 'record'>): CopyEvents {
  function record(place: Place, uid: string | undefined, event: RecordedEvent): void {
    // An object without a namespace has its Events in `default`, where we have no business.
    if (place.kind === 'ClusterTrustBundle') return;
    const { kind, namespace, name } = place;
    recorder.record(
      { apiVersion: 'v1', kind, namespace, name, ...(uid === undefined ? {} : { uid }) },
      event,
    );
  }

  return {
    published(place, copy) {
      record(place, copy.uid, {
        type: 'Normal',
        reason: 'Published',
        message: `Written by internal-ca and kept current from now on: ${contentOf(copy)}.`,
      });
    },
    repaired(place, copy) {
      const how = copy.change === 'created' ? 'deleted' : 'changed';
      record(place, copy.uid, {
        type: 'Normal',
        reason: 'CopyRepaired',
        message: `It was ${how} by somebody else and has been written again: ${contentOf(copy)}.`,
      });
    },
    failed(place, error, uid) {
      if (place.kind === 'ClusterTrustBundle') return;
      const foreign = error instanceof Fault && error.code === 'publication-refused';
      record(place, uid, {
        type: 'Warning',
        reason: foreign ? foreignReason[place.kind] : 'PublicationFailed',
        message: error instanceof Error ? error.message : String(error),
      });
    },
  };
}

function contentOf({ crlNumber, crlForm, caFingerprints }: WrittenCopy): string {
  const certificates = `${caFingerprints.length} CA certificate${caFingerprints.length === 1 ? '' : 's'}`;
  if (crlForm === 'none') return `${certificates} and no CRL, since each Ingress asks internal-ca instead`;
  return crlNumber === undefined ? certificates : `${certificates} and CRL ${crlNumber}`;
}
