import assert from 'node:assert/strict';
import { test } from 'node:test';
import { octetString } from '../../src/encoding/der-writer.ts';
import { type CertStatus, encodeOcspError, encodeResponseData } from '../../src/x509/ocsp-response.ts';

const head = {
  responderKeyHash: Buffer.alloc(20, 0xab),
  producedAt: new Date('2026-11-24T12:00:00Z'),
};
const single = {
  certId: Buffer.from('3003020105', 'hex'),
  thisUpdate: new Date('2026-11-24T11:50:00Z'),
  nextUpdate: new Date('2026-11-24T13:00:00Z'),
};
const revokedAt = new Date('2026-11-24T10:11:12.999Z');

/** Written by another program. */
const start = 'a2160414abababababababababababababababababababab180f32303236313132343132303030305a';
const times = '180f32303236313132343131353030305aa011180f32303236313132343133303030305a';
const at = '180f32303236313132343130313131325a';

const vectors: readonly (readonly [CertStatus, string])[] = [
  [{ kind: 'good' }, `3058${start}302d302b30030201058000${times}`],
  [{ kind: 'unknown' }, `3058${start}302d302b30030201058200${times}`],
  [
    { kind: 'revoked', revokedAt, reason: 'keyCompromise' },
    `306e${start}304330413003020105a116${at}a0030a0101${times}`,
  ],
  // RFC 5280 5.3.1
  [{ kind: 'revoked', revokedAt, reason: 'unspecified' }, `3069${start}303e303c3003020105a111${at}${times}`],
];

for (const [status, expected] of vectors) {
  test(`what is signed, octet for octet: ${JSON.stringify(status)}`, () => {
    const der = encodeResponseData({ ...head, responses: [{ ...single, status }] });
    assert.equal(der.toString('hex'), expected);
  });
}

test('a nonce stands behind the answers as it stood in the request', () => {
  const nonce = octetString(Buffer.of(1, 2));
  const der = encodeResponseData({ ...head, responses: [{ ...single, status: { kind: 'good' } }], nonce });
  const extension = 'a1153013301106092b0601050507300102040404020102';
  assert.equal(der.toString('hex'), `306f${start}302d302b30030201058000${times}${extension}`);
});

test('an error is a status and nothing else', () => {
  const errors = (['malformedRequest', 'internalError', 'tryLater', 'unauthorized'] as const).map((error) =>
    encodeOcspError(error).toString('hex'),
  );
  assert.deepEqual(errors, ['30030a0101', '30030a0102', '30030a0103', '30030a0106']);
});
