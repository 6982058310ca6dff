import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Lease } from '../../src/kubernetes/client.ts';
import { createLeaseLock, type LeaseLock } from '../../src/leadership/lease-lock.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { type Cluster, openRealCluster, startTestCluster } from '../support/kubernetes/cluster.ts';
import { startApiServer } from '../support/kubernetes/server.ts';

/** Also against the cluster of `TEST_KUBECONFIG`. Time is measured by a clock that the test moves. */

interface Contender extends LeaseLock {
  /** Its wall clock, which nobody else has to believe. */
  readonly clock: TestClock;
}

describe('the Lease', { timeout: 120_000 }, () => {
  let cluster: Cluster;
  let namespace: string;
  let elapsed = 0;
  let names = 0;
  before(async () => {
    cluster = await startTestCluster();
    namespace = await cluster.createNamespace();
  });
  after(() => cluster.stop());

  const path = (name: string): string =>
    `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`;

  function contend(name: string, identity: string, durationSeconds = 10): Contender {
    const clock = createTestClock();
    const lock = createLeaseLock({
      api: { ...cluster.admin, namespace },
      name,
      identity,
      durationSeconds,
      clock,
      monotonic: () => elapsed,
    });
    return Object.assign(lock, { clock });
  }

  const read = async (name: string): Promise<Lease> =>
    (await cluster.admin.getLease(namespace, name)) ?? assert.fail('there is no Lease');

  function two(): { name: string; a: Contender; b: Contender } {
    names += 1;
    const name = `lease-${names}`;
    return { name, a: contend(name, 'a'), b: contend(name, 'b') };
  }

  it('is made by the first, as client-go makes it, and nobody else holds it', async () => {
    const { name, a, b } = two();
    assert.equal(await a.tryHold(0), 'held');
    assert.equal(await b.tryHold(0), 'other');
    assert.equal(b.holder, 'a');
    assert.deepEqual((await read(name)).spec, {
      holderIdentity: 'a',
      leaseDurationSeconds: 10,
      acquireTime: '2026-11-23T12:00:00.000000Z',
      renewTime: '2026-11-23T12:00:00.000000Z',
      leaseTransitions: 0,
    });
  });

  it('is renewed without another beginning, also when somebody labels it or deletes it', async () => {
    const { name, a } = two();
    await a.tryHold(0);
    a.clock.advance(2);
    assert.equal(await a.tryHold(0), 'held');
    const { spec } = await read(name);
    assert.equal(spec?.renewTime, '2026-11-23T12:00:02.000000Z');
    assert.equal(spec?.acquireTime, '2026-11-23T12:00:00.000000Z');
    assert.equal(spec?.leaseTransitions, 0);
    await cluster.request({
      method: 'PATCH',
      path: path(name),
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels: { seen: 'yes' } } },
    });
    assert.equal(await a.tryHold(0), 'held');
    assert.equal((await read(name)).metadata.labels?.seen, 'yes', 'what others wrote stays');
    await cluster.request({ method: 'DELETE', path: path(name) });
    assert.equal(await a.tryHold(0), 'held');
    assert.equal((await read(name)).spec?.holderIdentity, 'a');
  });

  it('is taken over from a holder that was not seen to renew for its duration', async () => {
    const { name, a, b } = two();
    await a.tryHold(0);
    assert.equal(await b.tryHold(0), 'other');
    elapsed += 9_999;
    assert.equal(await b.tryHold(0), 'other');
    elapsed += 1;
    assert.equal(await b.tryHold(0), 'held');
    assert.equal(await a.tryHold(0), 'other', 'the one of before knows');
    assert.equal((await read(name)).spec?.leaseTransitions, 1);
  });

  it('is not taken over from one that renews, however far apart the clocks of the two are', async () => {
    const { a, b } = two();
    for (const minutes of [-5, 5]) {
      a.clock.advance(minutes * 60);
      for (let renewals = 0; renewals < 5; renewals++) {
        a.clock.advance(4);
        assert.equal(await a.tryHold(0), 'held');
        assert.equal(await b.tryHold(0), 'other');
        elapsed += 9_000;
      }
      assert.equal(await a.tryHold(0), 'held');
    }
  });

  it('is left to a holder for as long as that one says, not as long as we would', async () => {
    const { name, b } = two();
    const slow = contend(name, 'slow', 60);
    await slow.tryHold(0);
    assert.equal(await b.tryHold(0), 'other');
    elapsed += 59_000;
    assert.equal(await b.tryHold(0), 'other');
    elapsed += 1_000;
    assert.equal(await b.tryHold(0), 'held');
  });

  it('is given up so that another one has it at once, or after a while who would rather not', async () => {
    const { name, a, b } = two();
    await a.tryHold(0);
    await a.release();
    const { spec } = await read(name);
    assert.deepEqual([spec?.holderIdentity ?? '', spec?.leaseDurationSeconds], ['', 1]);
    assert.equal(await a.tryHold(5_000), 'other');
    elapsed += 4_999;
    assert.equal(await a.tryHold(5_000), 'other');
    assert.equal(await b.tryHold(0), 'held');
    assert.equal((await read(name)).spec?.leaseDurationSeconds, 10);
    await b.release();
    assert.equal(await a.tryHold(5_000), 'other', 'another vacancy');
    elapsed += 5_000;
    assert.equal(await a.tryHold(5_000), 'held');
  });

  it('that is not ours is not given up', async () => {
    const { name, a, b } = two();
    await a.tryHold(0);
    await b.tryHold(0);
    await b.release();
    assert.equal((await read(name)).spec?.holderIdentity, 'a');
  });

  it('goes to one of several that take it in the same moment', async () => {
    const { name, a } = two();
    const crowd = Array.from({ length: 6 }, (_, index) => contend(name, `contender-${index}`));
    const made = await Promise.all(crowd.map((one) => one.tryHold(0)));
    assert.equal(made.filter((vote) => vote === 'held').length, 1);
    assert.equal(await a.tryHold(0), 'other');
    await Promise.all(crowd.map((one) => one.tryHold(0)));
    elapsed += 10_000;
    const rivals = crowd.filter((_, index) => made[index] === 'other');
    const taken = await Promise.all(rivals.map((one) => one.tryHold(0)));
    assert.equal(taken.filter((vote) => vote === 'held').length, 1);
  });

  it('cannot be told without the right to it', async () => {
    const nobody = await cluster.connectAs([]);
    const lock = createLeaseLock({
      api: { ...nobody, namespace },
      name: 'forbidden',
      identity: 'a',
      durationSeconds: 10,
      clock: createTestClock(),
      monotonic: () => elapsed,
    });
    await assert.rejects(lock.tryHold(0), { code: 'kubernetes-forbidden' });
  });
});

it('a Lease that cannot be written is not held, and is nobody else’s either', async (t) => {
  const server = await startApiServer();
  t.after(() => server.stop());
  const { admin, stop } = await openRealCluster(server.kubeconfig());
  t.after(stop);
  const lock = createLeaseLock({
    api: { ...admin, namespace: 'internal-ca' },
    name: 'internal-ca',
    identity: 'a',
    durationSeconds: 10,
    clock: createTestClock(),
    monotonic: () => 0,
  });
  assert.equal(await lock.tryHold(0), 'held');
  for (const status of [409, 429, 500]) {
    server.interfere(({ verb }) => (verb === 'update' ? { status } : undefined));
    await assert.rejects(lock.tryHold(0), { code: 'kubernetes-unavailable' }, String(status));
  }
  server.interfere(() => 'reset');
  await assert.rejects(lock.tryHold(0), { code: 'kubernetes-unavailable' });
  server.interfere(undefined);
  assert.equal(await lock.tryHold(0), 'held', 'it is still ours');
});
