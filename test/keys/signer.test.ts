import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import test from 'node:test';
import { signApart, verifyApart } from '../../src/keys/one-shot.ts';
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

for (const type of keyTypes.filter((name) => name !== 'rsa-4096')) {
  test(`signs what comes in chunks with ${type}, small and large`, async () => {
    const signer = createSoftwareSigner(await generatePrivateKey(type));
    for (const chunks of [
      [Buffer.alloc(500, 1), Buffer.alloc(7, 2)],
      [Buffer.alloc(100, 1), Buffer.alloc(1_000_003, 2), Buffer.alloc(9, 3)],
    ]) {
      const signature = await signer.signChunks(chunks);
      const whole = Buffer.concat(chunks);
      assert.equal(verify(signer.algorithm.digest, whole, signer.publicKey, signature), true);
      if (type === 'ed25519') assert.equal(await verifyApart(chunks, signer.publicKey, signature), true);
      const other = [Buffer.from('other'), ...chunks.slice(1)];
      assert.equal(verify(signer.algorithm.digest, Buffer.concat(other), signer.publicKey, signature), false);
      if (type === 'ed25519') assert.equal(await verifyApart(other, signer.publicKey, signature), false);
    }
  });
}

test('what the other thread fails of is an error here', async () => {
  const { publicKey } = createSoftwareSigner(await generatePrivateKey('ed25519'));
  await assert.rejects(signApart([Buffer.alloc(300_000)], publicKey), /private/);
});

test('a long signature does not hold the event loop', async () => {
  const signer = createSoftwareSigner(await generatePrivateKey('ec-p256'));
  const order: string[] = [];
  const signed = signer.sign(Buffer.alloc(64 * 1024 * 1024)).then(() => order.push('signed'));
  await new Promise((resolve) => setImmediate(resolve));
  order.push('another turn');
  await signed;
  assert.deepEqual(order, ['another turn', 'signed']);
});
