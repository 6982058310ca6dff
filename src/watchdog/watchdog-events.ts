import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { WatchedPlace } from './content.ts';
import type { Judgement } from './judge.ts';

/** What is told beside a copy: that it has become faulty, and that it is well again. */
export interface WatchdogEvents {
  turned(place: WatchedPlace, judgement: Judgement): void;
}

export function createWatchdogEvents(recorder: Pick<EventRecorder, 'record'> | undefined): WatchdogEvents {
  return {
    turned({ object }, { finding, detail }) {
      if (object === undefined || recorder === undefined) return;
      if (finding === 'current') {
        recorder.record(object, {
          type: 'Normal',
          reason: 'PublishedCopyCurrent',
          message: 'It was read back and is current again.',
        });
        return;
      }
      recorder.record(object, {
        type: 'Warning',
        reason: 'PublishedCopyFaulty',
        message: `It was read back and is ${finding}: ${detail ?? 'no reason is known'}.`,
      });
    },
  };
}
