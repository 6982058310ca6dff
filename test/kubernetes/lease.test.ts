import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Lease, toMicroTime } from '../../src/kubernetes/client.ts';
import { assertConflict, faultOf } from '../support/faults.ts';
import { contract } from '../support/kubernetes/contract.ts';

/** What leader election stands on. */
contract('Leases', (ground) => {
  const now = Date.UTC(2026, 10, 23, 12, 0, 0, 7);
  const lease = (name: string, holderIdentity = 'one') => ({
    metadata: { name, namespace: ground.namespace },
    spec: {
      holderIdentity,
      leaseDurationSeconds: 10,
      acquireTime: toMicroTime(now),
      renewTime: toMicroTime(now),
      leaseTransitions: 0,
    },
  });
  const heldBy = ({ metadata, spec }: Lease, holderIdentity: string): Lease => ({
    metadata,
    spec: { ...spec, holderIdentity },
  });

  it('are not there at first, and exactly one of several creators wins', async () => {
    const { admin } = ground.cluster;
    assert.equal(await admin.getLease(ground.namespace, 'made'), undefined);
    const wishes = ['one', 'two', 'three', 'four'].map((who) => admin.createLease(lease('made', who)));
    const outcomes = await Promise.allSettled(wishes);
    const winners = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    assert.equal(winners.length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assertConflict(outcome.reason, 'already-exists');
    }
    const stored = await admin.getLease(ground.namespace, 'made');
    assert.deepEqual(stored?.spec, winners[0]?.spec);
    assert.equal(stored?.spec?.renewTime, '2026-11-23T12:00:00.007000Z');
  });

  it('are renewed by who saw the last version, and by nobody else', async () => {
    const { admin } = ground.cluster;
    const first = await admin.createLease(lease('renewed'));
    // None of them is the present holder: an update without a change would leave the version as it is.
    const wishes = ['two', 'three', 'four'].map((who) => admin.updateLease(heldBy(first, who)));
    const outcomes = await Promise.allSettled(wishes);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assertConflict(outcome.reason, 'object-modified');
    }
    const second = await admin.getLease(ground.namespace, 'renewed');
    assert.ok(second);
    const released = { ...second, spec: { holderIdentity: '', leaseDurationSeconds: 1 } };
    const third = await admin.updateLease(released);
    assert.deepEqual(third.spec, { holderIdentity: '', leaseDurationSeconds: 1 });
    assert.notEqual(third.metadata.resourceVersion, second.metadata.resourceVersion);
  });

  it('are refused without a version, with a version only of another object, and with odd values', async () => {
    const { admin } = ground.cluster;
    await admin.createLease(lease('blind'));
    const blind = await faultOf(admin.updateLease(lease('blind', 'two')));
    assert.equal(blind.code, 'request-invalid');
    assert.match(blind.message, /metadata\.resourceVersion: .*must be specified for an update/);

    const first = await admin.createLease(lease('replaced'));
    const path = `/apis/coordination.k8s.io/v1/namespaces/${ground.namespace}/leases/replaced`;
    await ground.cluster.request({ method: 'DELETE', path });
    // An update of a Lease that is gone would make it again, if it did not carry the uid of the old one.
    assertConflict(await faultOf(admin.updateLease(first)), 'uid-mismatch');
    assert.equal(await admin.getLease(ground.namespace, 'replaced'), undefined);
    const { metadata } = await admin.createLease(lease('replaced'));
    const version = metadata.resourceVersion ?? '';
    const mixed = { ...first, metadata: { ...first.metadata, resourceVersion: version } };
    assertConflict(await faultOf(admin.updateLease(mixed)), 'uid-mismatch');

    const odd = lease('odd');
    for (const [spec, words] of [
      [{ ...odd.spec, renewTime: new Date(now).toISOString() }, /cannot be handled as a Lease: parsing time/],
      [{ ...odd.spec, leaseDurationSeconds: 0 }, /leaseDurationSeconds: .*must be greater than 0/],
      [{ ...odd.spec, leaseTransitions: -1 }, /leaseTransitions: .*greater than or equal to 0/],
    ] as const) {
      const fault = await faultOf(admin.createLease({ ...odd, spec }));
      assert.equal(fault.code, 'request-invalid');
      assert.match(fault.message, words);
    }
  });

  it('need no more than create, and get and update of that one name', async () => {
    const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
    const namespaces = [ground.namespace];
    const api = await ground.cluster.connectAs([
      { ...leases, verbs: ['create'], namespaces },
      { ...leases, verbs: ['get', 'update'], resourceNames: ['ours'], namespaces },
    ]);
    assert.equal(await api.getLease(ground.namespace, 'ours'), undefined);
    const first = await api.createLease(lease('ours'));
    const second = await api.updateLease(heldBy(first, 'two'));
    assert.equal(second.spec?.holderIdentity, 'two');
    const theirs = await ground.cluster.admin.createLease(lease('theirs'));
    const refused = await faultOf(api.updateLease(heldBy(theirs, 'two')));
    assert.equal(refused.code, 'kubernetes-forbidden');
    assert.match(refused.message, /update leases\/theirs in namespace/);
  });
});
