import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { encodePem } from '../../src/encoding/pem.ts';
import { encodePemInSteps } from '../../src/revocation/pem-in-steps.ts';

test('the bytes are those of encodePem, at the edges of lines and steps too', async () => {
  for (const length of [1, 2, 3, 47, 48, 49, 196_607, 196_608, 196_609, 500_000]) {
    const der = randomBytes(length);
    assert.equal(
      (await encodePemInSteps('X509 CRL', der)).toString('latin1'),
      encodePem('X509 CRL', der),
      `${length} octets`,
    );
  }
});
