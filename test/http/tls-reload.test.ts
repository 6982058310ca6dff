import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { TlsIdentity } from '../../src/http/tls-identity.ts';
import { startTlsReload, type TlsReload } from '../../src/http/tls-reload.ts';

/** When the files are looked at, and what is told of them. The timer is one that the test moves. */

const identityOf = (name: string): TlsIdentity => ({
  certificate: `the certificate ${name}`,
  key: `the key ${name}`,
  notBefore: new Date(0),
  notAfter: new Date(1),
});

interface Scene {
  readonly reload: TlsReload;
  /** What the next looks find; the last one stays. */
  readonly found: (TlsIdentity | Error | Promise<TlsIdentity>)[];
  looks: number;
  readonly taken: string[];
  readonly faults: string[];
  /** One interval goes by. */
  pass(): Promise<void>;
}

function setUp(t: TestContext, onChanged?: () => void): Scene {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const found: Scene['found'] = [identityOf('a')];
  const taken: string[] = [];
  const faults: string[] = [];
  const reload = startTlsReload({
    async read() {
      scene.looks += 1;
      const next = (found.length > 1 ? found.shift() : found[0]) ?? identityOf('a');
      if (next instanceof Error) throw next;
      return await next;
    },
    current: identityOf('a'),
    onChanged(identity) {
      taken.push(identity.certificate);
      onChanged?.();
    },
    onFailed: (error) => faults.push(String(error)),
  });
  t.after(() => reload.close());
  const scene: Scene = {
    reload,
    found,
    looks: 0,
    taken,
    faults,
    async pass() {
      t.mock.timers.tick(10_000);
      await turn();
    },
  };
  return scene;
}

test('the files are looked at every ten seconds, and what they become is taken once', async (t) => {
  const scene = setUp(t);
  await scene.pass();
  assert.deepEqual([scene.looks, scene.taken], [1, []]);
  scene.found.splice(0, 1, identityOf('b'));
  await scene.pass();
  await scene.pass();
  assert.deepEqual([scene.looks, scene.taken], [3, ['the certificate b']]);
});

test('a pair that was read between two writes is no fault', async (t) => {
  const scene = setUp(t);
  for (let round = 0; round < 5; round += 1) {
    scene.found.splice(0, 1, new Error('does not match'), identityOf('a'));
    await scene.pass();
    await scene.pass();
  }
  assert.deepEqual([scene.looks, scene.taken, scene.faults], [10, [], []]);
});

test('a fault is told when it lasts, once, and once more when it comes back', async (t) => {
  const scene = setUp(t);
  const told = ['Error: no key'];
  scene.found.splice(0, 1, new Error('no key'));
  await scene.pass();
  assert.deepEqual(scene.faults, []);
  for (let look = 0; look < 5; look += 1) await scene.pass();
  assert.deepEqual(scene.faults, told);
  scene.found.splice(0, 1, identityOf('a'));
  await scene.pass();
  scene.found.splice(0, 1, new Error('no key'));
  await scene.pass();
  await scene.pass();
  assert.deepEqual(scene.faults, [...told, ...told]);
});

test('an identity that cannot be taken into use is reported once, and tried again', async (t) => {
  const scene = setUp(t, () => {
    throw new Error('no');
  });
  scene.found.splice(0, 1, identityOf('b'));
  for (let look = 0; look < 5; look += 1) await scene.pass();
  assert.equal(scene.taken.length, 5);
  assert.deepEqual(scene.faults, ['Error: no']);
});

test('a file system that does not answer is asked once at a time', async (t) => {
  const scene = setUp(t);
  const answer = Promise.withResolvers<TlsIdentity>();
  scene.found.splice(0, 1, answer.promise);
  for (let interval = 0; interval < 5; interval += 1) await scene.pass();
  assert.equal(scene.looks, 1);
  answer.resolve(identityOf('b'));
  await turn();
  assert.deepEqual(scene.taken, ['the certificate b']);
  await scene.pass();
  assert.equal(scene.looks, 2);
});

test('nothing is looked at any more once it is closed', async (t) => {
  const scene = setUp(t);
  scene.reload.close();
  await scene.pass();
  assert.equal(scene.looks, 0);
});
