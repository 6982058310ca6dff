import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDoors } from '../../src/budget/doors.ts';
import { Fault } from '../../src/fault.ts';

const enforced = async () => [{ namespace: 'shop', name: 'web', asksForCertificates: true }];
const proven = { secretName: 'internal-ca', enforced, onlineProven: async () => true };

test('who may not list Ingresses cannot know who reads a copy: nothing is proven', async () => {
  const forbidden = () => Promise.reject(new Fault('kubernetes-forbidden', 'no'));
  const seeing = await createDoors({ ...proven, api: { listIngresses: async () => [] } }).look();
  assert.deepEqual(await seeing.proofOf('shop'), { proven: true, unproven: [], readers: 1 });
  const blind = await createDoors({ ...proven, api: { listIngresses: forbidden } }).look();
  assert.deepEqual(await blind.proofOf('shop'), { proven: false, unproven: [], readers: 1 });
});

test('an API server that is away proves nothing either: the look fails', async () => {
  const away = () => Promise.reject(new Fault('kubernetes-unavailable', 'away'));
  const doors = createDoors({ ...proven, api: { listIngresses: away } });
  await assert.rejects(doors.look(), { code: 'kubernetes-unavailable' });
});
