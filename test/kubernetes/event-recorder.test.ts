import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Fault } from '../../src/fault.ts';
import type { KubernetesApi, ObjectEvent, ObjectReference } from '../../src/kubernetes/client.ts';
import { createEventRecorder, type EventRecorder } from '../../src/kubernetes/event-recorder.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { contract } from '../support/kubernetes/contract.ts';
import { objectAt } from '../support/kubernetes/json.ts';

type EventApi = Pick<KubernetesApi, 'createEvent' | 'patchEvent'>;

const enforced = { type: 'Normal', reason: 'ClientVerificationEnforced', message: 'done' } as const;
const about = (namespace: string, name = 'web'): ObjectReference => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  namespace,
  name,
});

interface Recording {
  readonly recorder: EventRecorder;
  readonly clock: TestClock;
  readonly logged: string[];
}

function start(t: TestContext, api: EventApi): Recording {
  const clock = createTestClock();
  const logged: string[] = [];
  const note = (_fields: unknown, message?: string) => void logged.push(message ?? '');
  const recorder = createEventRecorder({ api, clock, log: { info: note, warn: note } });
  t.after(() => recorder.close());
  return { recorder, clock, logged };
}

contract('The event recorder', (ground) => {
  async function eventsAbout(name: string): Promise<ObjectEvent[]> {
    const path = `/api/v1/namespaces/${ground.namespace}/events`;
    const list = objectAt(await ground.cluster.request({ method: 'GET', path }));
    const items: ObjectEvent[] = Array.isArray(list.items) ? list.items : [];
    return items.filter(({ involvedObject }) => involvedObject?.name === name);
  }

  it('writes an Event, counts up the same, and begins anew after ten minutes', async (t) => {
    const { recorder, clock } = start(t, ground.cluster.admin);
    const object = { ...about(ground.namespace, 'counted'), uid: 'd1b5a6a0-0000-4000-8000-000000000000' };
    recorder.record(object, enforced);
    await eventually(async () => assert.equal((await eventsAbout('counted')).length, 1));
    clock.advance(599);
    recorder.record(object, enforced);
    recorder.record(object, { ...enforced, message: 'done otherwise' });
    const [first, second] = await eventually(async () => {
      const events = await eventsAbout('counted');
      assert.deepEqual(events.map(({ count }) => count).sort(), [1, 2]);
      return events.sort((a, b) => (b.count ?? 0) - (a.count ?? 0));
    });
    assert.deepEqual(first?.involvedObject, object);
    assert.match(first?.metadata.name ?? '', /^counted\.[0-9a-f]{16}$/);
    const { type, reason, message, firstTimestamp, lastTimestamp, source } = first ?? {};
    assert.deepEqual(
      { type, reason, message, firstTimestamp, lastTimestamp, source },
      {
        ...enforced,
        firstTimestamp: '2026-11-23T12:00:00Z',
        lastTimestamp: '2026-11-23T12:09:59Z',
        source: { component: 'internal-ca' },
      },
    );
    assert.equal(second?.message, 'done otherwise');
    clock.advance(600);
    recorder.record(object, enforced);
    await eventually(async () => {
      const counts = (await eventsAbout('counted')).map(({ count }) => count);
      assert.deepEqual(counts.sort(), [1, 1, 2]);
    });
  });

  it('makes an Event again that is gone meanwhile, with the count that it had', async (t) => {
    const { recorder } = start(t, ground.cluster.admin);
    recorder.record(about(ground.namespace, 'expired'), enforced);
    const [event] = await eventually(async () => {
      const events = await eventsAbout('expired');
      assert.equal(events.length, 1);
      return events;
    });
    const path = `/api/v1/namespaces/${ground.namespace}/events/${event?.metadata.name}`;
    await ground.cluster.request({ method: 'DELETE', path });
    recorder.record(about(ground.namespace, 'expired'), enforced);
    await eventually(async () => {
      assert.deepEqual(
        (await eventsAbout('expired')).map(({ count }) => count),
        [2],
      );
    });
  });

  it('needs no more than create and patch, and takes the longest of names and messages', async (t) => {
    const verbs = ['create', 'patch'];
    const namespaces = [ground.namespace];
    const api = await ground.cluster.connectAs([
      { apiGroups: [''], resources: ['events'], verbs, namespaces },
    ]);
    const { recorder, logged } = start(t, api);
    const name = `${'a'.repeat(229)}.${'b'.repeat(23)}`;
    recorder.record(about(ground.namespace, name), { ...enforced, message: 'x'.repeat(5000) });
    recorder.record(about(ground.namespace, name), { ...enforced, message: 'x'.repeat(5000) });
    const [event] = await eventually(async () => {
      const events = await eventsAbout(name);
      assert.equal(events[0]?.count, 2);
      return events;
    });
    assert.equal(event?.message?.length, 1024);
    assert.deepEqual(logged, []);
  });
});

/** An API server in the hands of the test. */
function createScriptedApi(answer: () => Promise<void> = async () => undefined) {
  const created: string[] = [];
  const api: EventApi = {
    async createEvent(event) {
      await answer();
      created.push(`${event.involvedObject?.name} ${event.message} x${event.count}`);
      return { ...event, metadata: event.metadata };
    },
    async patchEvent(_namespace, name) {
      await answer();
      return { metadata: { name } };
    },
  };
  return { api, created };
}

const away = () => new Fault('kubernetes-unavailable', 'away');

describe('the event recorder in trouble', { timeout: 60_000 }, () => {
  it('writes 25 about one object, then one in five minutes, and as many about another', async (t) => {
    const { api, created } = createScriptedApi();
    const { recorder, clock } = start(t, api);
    const flood = (name: string, from: number) => {
      for (let i = from; i < from + 40; i += 1)
        recorder.record(about('shop', name), { ...enforced, message: `${i}` });
    };
    flood('web', 0);
    flood('other', 0);
    await eventually(() => assert.equal(created.length, 50));
    clock.advance(299);
    flood('web', 100);
    clock.advance(1);
    flood('web', 200);
    await eventually(() => assert.equal(created.at(-1), 'web 200 x1'));
    assert.equal(created.length, 51);
  });

  it('loses what an outage keeps it from writing, says so once, and goes on afterwards', async (t) => {
    let down = true;
    let asked = 0;
    const { api, created } = createScriptedApi(async () => {
      asked += 1;
      if (down) throw away();
    });
    const { recorder, logged } = start(t, api);
    for (let i = 0; i < 5; i += 1) recorder.record(about('shop'), { ...enforced, message: `lost ${i}` });
    await eventually(() => assert.equal(logged.length, 1));
    await new Promise(setImmediate);
    assert.equal(asked, 1, 'the others would each wait for the same outage');
    recorder.record(about('shop'), enforced);
    await new Promise(setImmediate);
    down = false;
    recorder.record(about('shop'), enforced);
    await eventually(() => assert.deepEqual(created, ['web done x1']));
    assert.deepEqual(logged, [
      'A Kubernetes Event could not be written; such Events are lost',
      'Kubernetes Events are written again',
    ]);
  });

  it('keeps a bounded number while the API server does not answer', async (t) => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { api, created } = createScriptedApi(() => held);
    const { recorder } = start(t, api);
    for (let i = 0; i < 1000; i += 1) recorder.record(about('shop', `web-${i}`), enforced);
    release();
    await eventually(() => assert.equal(created.length, 201));
    await new Promise(setImmediate);
    assert.equal(created.length, 201);
  });

  it('does not log that a namespace is going', async (t) => {
    const faults = [
      new Fault('conflict', 'is being terminated', {
        reasons: [{ code: 'namespace-terminating', detail: 'is being terminated' }],
      }),
      new Fault('namespace-not-found', 'gone'),
    ];
    const { api, created } = createScriptedApi(async () => {
      const fault = faults.pop();
      if (fault !== undefined) throw fault;
    });
    const { recorder, logged } = start(t, api);
    for (const name of ['a', 'b', 'c']) recorder.record(about('shop', name), enforced);
    await eventually(() => assert.deepEqual(created, ['c done x1']));
    assert.deepEqual(logged, []);
  });

  it('writes what is waiting when it is closed, and nothing that comes later', async (t) => {
    const { api, created } = createScriptedApi(() => new Promise((resolve) => setTimeout(resolve, 20)));
    const { recorder } = start(t, api);
    for (const name of ['a', 'b', 'c']) recorder.record(about('shop', name), enforced);
    await recorder.close();
    recorder.record(about('shop', 'late'), enforced);
    await recorder.close();
    assert.deepEqual(created, ['a done x1', 'b done x1', 'c done x1']);
  });

  it('closes although the API server does not answer', async (t) => {
    const { api } = createScriptedApi(() => new Promise(() => undefined));
    const { recorder } = start(t, api);
    recorder.record(about('shop'), enforced);
    await recorder.close();
  });
});
