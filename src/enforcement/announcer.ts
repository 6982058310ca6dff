import type { Ingress } from '../kubernetes/objects.ts';
import { type EventSink, type IngressEvent, tell } from './events.ts';

/** What a lasting state of an Ingress is about: how it stands, and what became of its annotation's request. */
type Topic = 'state' | 'declaration';

/** Tells a lasting state once, when it begins or changes; looking at it again is no news. */
export interface Announcer {
  once(key: string, topic: Topic, live: Ingress, event: IngressEvent): void;
  /** It is over. True when there was something to be over. */
  over(key: string, topic: Topic): boolean;
  forget(key: string): void;
}

export function createAnnouncer(events: EventSink | undefined): Announcer {
  const told = new Map<string, string>();
  const slot = (key: string, topic: Topic) => `${topic} ${key}`;
  return {
    once(key, topic, live, event) {
      const text = `${live.metadata.uid} ${event.reason} ${event.message}`;
      if (told.get(slot(key, topic)) === text) return;
      told.set(slot(key, topic), text);
      tell(events, live, event);
    },
    over: (key, topic) => told.delete(slot(key, topic)),
    forget(key) {
      told.delete(slot(key, 'state'));
      told.delete(slot(key, 'declaration'));
    },
  };
}
