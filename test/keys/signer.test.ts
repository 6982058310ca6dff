import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import test from 'node:test';
import { generatePrivateKey, keyTypes } from '../../src/keys/private-key.ts';
import { createSoftwareSigner } from '../../src/keys/signer.ts';

for (const type of keyTypes.filter((name) => name !== 'rsa-4096')) {
  test(`signs a certificate and a long CRL with ${type}`, async () => {
    const signer = createSoftwareSigner(await generatePrivateKey(type));
    for (const data of [Buffer.alloc(500, 1), Buffer.alloc(100_000, 2)]) {
      const signature = await signer.sign(data);
      assert.equal(verify(signer.algorithm.digest, data, signer.publicKey, signature), true);
    }
  });
}

test('a long signature does not hold the event loop', async () => {
  const signer = createSoftwareSigner(await generatePrivateKey('ec-p256'));
  const order: string[] = [];
  const signed = signer.sign(Buffer.alloc(64 * 1024 * 1024)).then(() => order.push('signed'));
  await new Promise((resolve) => setImmediate(resolve));
  order.push('another turn');
  await signed;
  assert.deepEqual(order, ['another turn', 'signed']);
});
