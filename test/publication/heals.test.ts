import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRepairPace } from '../../src/publication/repair-pace.ts';
import { objectAt } from '../support/kubernetes/json.ts';
import type { Interference } from '../support/kubernetes/server.ts';
import { createMaterialSource } from '../support/trust-material.ts';
import { aWhile, name, setUp, until } from './harness.ts';

const source = await createMaterialSource();
const own = 'secret:internal-ca/internal-ca';
const shop = 'secret:shop/internal-ca';

const namespaceCalled = (of: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: of } });

describe('publication heals', { timeout: 30_000 }, () => {
  it('writes again what was edited or deleted, whatever was done to its annotations', async (t) => {
    const { server, read, text, annotation, edit, start } = await setUp(t);
    const { publisher, lead, events } = await start();
    await lead();
    const { caCrl } = source.at(1n);
    await publisher.publish(source.at(1n));
    let told = 1;
    for (const [path, value] of [
      [['data', 'ca.crl'], ''],
      [['metadata', 'annotations', 'internal-ca.io/crl-number'], '999999999'],
      [['data', 'tls.key'], 'eA=='],
    ] as const) {
      edit('internal-ca', path, value);
      told += 1;
      await until(
        t,
        () =>
          events.length === told &&
          annotation('internal-ca', 'internal-ca.io/crl-number') === '1' &&
          text('internal-ca', 'ca.crl') === caCrl &&
          Object.keys(objectAt(read('internal-ca'), 'data')).length === 2,
      );
    }
    server.remove('v1', 'Secret', 'internal-ca', name);
    await until(t, () => text('internal-ca', 'ca.crl') === caCrl);
    await until(t, () => events.length === 5);
    assert.deepEqual(
      events.map(({ event }) => event.reason),
      ['Published', 'CopyRepaired', 'CopyRepaired', 'CopyRepaired', 'CopyRepaired'],
    );
    assert.match(events[1]?.event.message ?? '', /changed by somebody else.*1 CA certificate and CRL 1/);
    assert.match(events[4]?.event.message ?? '', /deleted by somebody else/);
  });

  it('reads a copy again when somebody has read it and found it wrong, though no watch tells of it', async (t) => {
    const { server, text, edit, start } = await setUp(t);
    const { publisher, lead, state } = await start();
    await lead();
    const material = source.at(1n);
    await publisher.publish(material);
    let refused = 0;
    server.interfere(({ verb, type }) => {
      if (type.plural !== 'secrets' || (verb !== 'list' && verb !== 'watch')) return undefined;
      refused += 1;
      return { status: 500 };
    });
    // The watch of before is cut, and no other one begins.
    await server.stop();
    await server.start();
    await until(t, () => refused > 0);
    edit('internal-ca', ['data', 'ca.crl'], '');
    await publisher.publish(material);
    assert.equal(text('internal-ca', 'ca.crl'), '', 'by what is remembered all is well');
    publisher.recheck('secret:nowhere/internal-ca');
    publisher.recheck(own);
    await until(t, () => text('internal-ca', 'ca.crl') === material.caCrl);
    assert.equal(await state('secret:nowhere/internal-ca'), undefined);
  });

  it('brings an outdated copy up to date when it begins to lead, and tells no Event of a new CRL', async (t) => {
    const { text, start } = await setUp(t);
    const before = await start();
    const term = await before.lead();
    await before.publisher.publish(source.at(1n));
    await term.end();
    const after = await start();
    await after.publisher.publish(source.at(2n));
    assert.equal(text('internal-ca', 'ca.crl'), source.at(1n).caCrl, 'a follower writes nothing');
    await after.lead();
    await until(t, () => text('internal-ca', 'ca.crl') === source.at(2n).caCrl);
    await after.publisher.publish(source.at(3n));
    assert.deepEqual(after.events, []);
  });

  it('finds what was done while nobody could see it', async (t) => {
    const { server, text, edit, start } = await setUp(t);
    const { publisher, lead } = await start();
    await lead();
    await publisher.publish(source.at(1n));
    await server.stop();
    edit('internal-ca', ['data', 'ca.crl'], '');
    server.compact();
    await server.start();
    await until(t, () => text('internal-ca', 'ca.crl') === source.at(1n).caCrl);
  });

  it('reads every copy again from time to time, whatever the watch says', async (t) => {
    const { server, text, edit, start } = await setUp(t);
    const before = await start();
    const term = await before.lead();
    await before.publisher.publish(source.at(1n));
    await term.end();
    // It sees the copy as it is now, and then its watch never tells anything.
    let watches = 0;
    server.interfere(({ verb }) => {
      if (verb !== 'watch') return undefined;
      watches += 1;
      return 'hang';
    });
    const after = await start({ times: { resyncMs: 50 } });
    await after.publisher.publish(source.at(1n));
    await after.lead();
    await until(t, async () => watches > 0 && (await after.state(own))?.state === 'Current');
    edit('internal-ca', ['data', 'ca.crl'], '');
    await until(t, () => text('internal-ca', 'ca.crl') === source.at(1n).caCrl);
  });

  it('a namespace that is made later gets its copy; until then that is no failure', async (t) => {
    const { server, text, start } = await setUp(t);
    const { publisher, lead, state, metrics, warnings, events } = await start({
      cluster: { namespaces: ['later'] },
    });
    await lead();
    await publisher.publish(source.at(1n));
    const later = 'secret:later/internal-ca';
    assert.deepEqual(await state(later), {
      target: later,
      state: 'Waiting',
      why: ['configured'],
      caFingerprints: [],
      limitBytes: 1048576,
      waitingFor: 'There is no namespace later',
    });
    await aWhile();
    assert.deepEqual(warnings, []);
    assert.doesNotMatch(await metrics(), /target="secret:later/);
    assert.ok(events.every(({ on }) => !on.includes('later')));
    server.put(namespaceCalled('later'));
    await until(t, async () => (await state(later))?.state === 'Current');
    assert.equal(text('later', 'ca.crl'), source.at(1n).caCrl);
    assert.match(await metrics(), /publication_errors_total\{target="secret:later\/internal-ca"\} 0/);
  });

  it('a namespace that is being deleted is waited for, and got again when it is made again', async (t) => {
    const { server, text, wanted, start } = await setUp(t);
    const { publisher, lead, state, metrics, warnings } = await start();
    wanted.push('shop');
    await lead();
    await publisher.publish(source.at(1n));
    server.put({ ...namespaceCalled('shop'), status: { phase: 'Terminating' } });
    server.remove('v1', 'Secret', 'shop', name);
    await until(t, async () => (await state(shop))?.state === 'Waiting');
    assert.match((await state(shop))?.waitingFor ?? '', /being terminated/);
    assert.doesNotMatch(await metrics(), /target="secret:shop/);
    assert.deepEqual(warnings, []);
    await assert.rejects(publisher.ensureNamespace('shop'), { code: 'conflict' });
    server.put({ ...namespaceCalled('shop'), status: { phase: 'Active' } });
    await until(t, async () => (await state(shop))?.state === 'Current');
    assert.equal(text('shop', 'ca.crl'), source.at(1n).caCrl);
  });

  it('keeps the wish while the API server is away, and writes the newest when it is back', async (t) => {
    const { server, text, wanted, start } = await setUp(t);
    const { publisher, lead, state } = await start();
    await lead();
    await publisher.publish(source.at(1n));
    wanted.push('shop');
    await server.stop();
    await publisher.publish(source.at(2n));
    await publisher.publish(source.at(3n));
    assert.match((await state(shop))?.error ?? '', /did not answer/);
    assert.equal((await state(own))?.crlNumber, '1');
    await server.start();
    await until(
      t,
      async () => (await state(shop))?.state === 'Current' && (await state(own))?.state === 'Current',
    );
    for (const namespace of ['internal-ca', 'shop'])
      assert.equal(text(namespace, 'ca.crl'), source.at(3n).caCrl);
  });

  it('a namespace that fails does not hold up the others, and is not logged at each attempt', async (t) => {
    const { server, text, wanted, start } = await setUp(t);
    const { publisher, lead, state, warnings, events, metrics } = await start();
    wanted.push('shop');
    let forbidden = true;
    server.interfere(({ namespace, verb }) =>
      forbidden && namespace === 'internal-ca' && verb === 'get' ? { status: 403 } : undefined,
    );
    await lead();
    await publisher.publish(source.at(1n));
    assert.equal(text('shop', 'ca.crl'), source.at(1n).caCrl);
    const { state: is, error } = (await state(own)) ?? {};
    assert.equal(is, 'Failed');
    assert.match(error ?? '', /Not allowed/);
    await aWhile();
    assert.equal(warnings.length, 1);
    const failures = events.filter(({ event }) => event.reason === 'PublicationFailed');
    assert.deepEqual(
      failures.map(({ on, event }) => [on, event.type]),
      [['Secret internal-ca/internal-ca', 'Warning']],
    );
    assert.match(
      await metrics(),
      /publication_errors_total\{target="secret:internal-ca\/internal-ca"\} [1-9]/,
    );
    forbidden = false;
    await until(t, async () => (await state(own))?.state === 'Current');
  });

  it('gets through whatever the API server answers', async (t) => {
    const { server, text, wanted, start } = await setUp(t);
    const { publisher, lead, state } = await start();
    wanted.push('shop');
    await lead();
    await publisher.publish(source.at(1n));
    const status = (
      code: number,
      reason: string,
      message: string,
      headers: Record<string, string> = {},
    ): Interference => ({
      status: code,
      headers,
      body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message },
    });
    let number = 1n;
    for (const answer of [
      status(409, 'Conflict', 'the object has been modified'),
      status(410, 'Expired', 'too old resource version'),
      status(422, 'Invalid', 'data: Too long: may not be more than 1048576 bytes'),
      status(429, 'TooManyRequests', 'slow down', { 'Retry-After': '1' }),
      status(500, 'InternalError', 'etcdserver: leader changed'),
      status(403, 'Forbidden', 'admission webhook "policy.example" denied the request: no CRLs on a Friday'),
      'reset',
      { delayMs: 1500 },
    ] satisfies Interference[]) {
      number += 1n;
      let left = 3;
      server.interfere(({ verb, namespace }) => {
        if (verb !== 'patch' || namespace !== 'shop' || left === 0) return undefined;
        left -= 1;
        return answer;
      });
      await publisher.publish(source.at(number));
      assert.equal(text('internal-ca', 'ca.crl'), source.at(number).caCrl);
      await until(t, () => text('shop', 'ca.crl') === source.at(number).caCrl);
      await until(t, async () => (await state(shop))?.state === 'Current');
    }
  });

  it("an admission webhook's own words are what the state says", async (t) => {
    const { server, wanted, start } = await setUp(t);
    const { publisher, lead, state } = await start();
    wanted.push('shop');
    server.interfere(({ verb, namespace }) =>
      verb === 'patch' && namespace === 'shop'
        ? {
            status: 403,
            body: {
              kind: 'Status',
              status: 'Failure',
              code: 403,
              message: 'admission webhook "policy.example" denied the request: not on a Friday',
            },
          }
        : undefined,
    );
    await lead();
    await publisher.publish(source.at(1n));
    assert.match((await state(shop))?.error ?? '', /policy\.example.*not on a Friday/);
    const other = await start();
    await other.publisher.publish(source.at(1n));
    const writes = () =>
      server.calls.filter(({ verb, namespace }) => verb === 'patch' && namespace === 'shop');
    await publisher.leaderWork.stop();
    const before = writes().length;
    await assert.rejects(other.publisher.ensureNamespace('shop'), /not on a Friday/);
    assert.equal(writes().length, before + 1, 'a refusal is not asked for again at once');
  });

  it('goes on with the namespaces that it knows while the database is away', async (t) => {
    const { database, read, text, edit, wanted, start } = await setUp(t);
    wanted.push('shop');
    const { publisher, lead, warnings } = await start();
    await lead();
    await publisher.publish(source.at(1n));
    database.away = true;
    await publisher.publish(source.at(2n));
    assert.equal(text('shop', 'ca.crl'), source.at(2n).caCrl);
    edit('shop', ['data', 'ca.crl'], '');
    await until(t, () => text('shop', 'ca.crl') === source.at(2n).caCrl);
    wanted.length = 0;
    await aWhile();
    assert.ok(read('shop'), 'what cannot be asked for is not removed');
    assert.ok(warnings.length <= 2, `an outage is told once, not ${warnings.length} times`);
  });

  it('does not race another writer: each repair waits longer, until there is calm', () => {
    let now = 0;
    const pace = createRepairPace(1000, () => now);
    const delays = [pace.delayMs('a')];
    for (let repair = 0; repair < 12; repair += 1) {
      pace.repaired('a');
      delays.push(pace.delayMs('a'));
      now += pace.delayMs('a');
    }
    assert.equal(delays[0], 1000);
    assert.ok((delays[1] ?? 0) >= 1000 && (delays[1] ?? 0) <= 2000);
    assert.ok((delays.at(-1) ?? 0) >= 30_000 && (delays.at(-1) ?? 0) <= 60_000);
    assert.equal(pace.delayMs('b'), 1000);
    now += 10 * 60_000;
    assert.equal(pace.delayMs('a'), 1000);
  });
});
