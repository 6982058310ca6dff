import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WatchedPlace } from '../../src/watchdog/content.ts';
import { createWatchdogEvents } from '../../src/watchdog/watchdog-events.ts';

test('a copy that becomes faulty has a warning beside it, one that is well again has not; an address has neither', () => {
  const written: unknown[] = [];
  const events = createWatchdogEvents({
    record: (object, { type, reason, message }) =>
      void written.push([object.namespace, type, reason, message]),
  });
  const place = { object: { apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: 'internal-ca' } };
  events.turned(place as WatchedPlace, { finding: 'behind', detail: 'it has CRL 1' });
  events.turned(place as WatchedPlace, { finding: 'current' });
  events.turned({} as WatchedPlace, { finding: 'broken', detail: 'x' });
  createWatchdogEvents(undefined).turned(place as WatchedPlace, { finding: 'broken', detail: 'x' });
  assert.deepEqual(written, [
    ['shop', 'Warning', 'PublishedCopyFaulty', 'It was read back and is behind: it has CRL 1.'],
    ['shop', 'Normal', 'PublishedCopyCurrent', 'It was read back and is current again.'],
  ]);
});
