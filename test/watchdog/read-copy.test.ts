import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainPem } from '../../src/authority/chain-pem.ts';
import { bitString, integer, sequence, tlv } from '../../src/encoding/der-writer.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import { contextConstructed, tag } from '../../src/encoding/tag.ts';
import { createCopyReader } from '../../src/watchdog/read-copy.ts';
import { readPublishedCrl } from '../../src/watchdog/read-crl.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { encodeTime } from '../../src/x509/time.ts';
import { watchStalls } from '../support/stalls.ts';
import { hour, pemOf, publishedBy, start } from './published.ts';

test('a copy is read as it lies there: number and times from the octets', async () => {
  for (const keyType of ['ec-p256', 'rsa-2048', 'ed25519'] as const) {
    const { watched, caCrt, crl } = await publishedBy({ keyType });
    const reader = createCopyReader([watched]);
    assert.deepEqual(await reader.read({ caCrt, caCrl: pemOf(await crl(7n)) }), {
      kind: 'content',
      crls: [
        {
          authority: 'internal-ca',
          number: 7n,
          thisUpdate: new Date(start),
          nextUpdate: new Date(start + 10 * hour),
        },
      ],
    });
    assert.deepEqual(await reader.read({ caCrt, caCrl: undefined }), { kind: 'content', crls: [] });
  }
});

test('what is not exactly ours, whole and signed is broken, and the words repeat nothing of it', async () => {
  const { authority, watched, caCrt, crl } = await publishedBy();
  const other = await publishedBy();
  const good = await crl(7n);
  const forged = Buffer.from(good);
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  const edited = Buffer.from(good);
  // The number, which stands in the TBS.
  edited[edited.lastIndexOf(7)] = 8;
  const key = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';
  const text = pemOf(good);
  const scoped = await crl(7n, { distributionPoint: 'http://ca.example/shard.crl' });
  const cases: readonly (readonly [string, { caCrt?: Buffer; caCrl?: Buffer }, RegExp])[] = [
    ['no ca.crt', { caCrt: undefined } as object, /^ca.crt is missing$/],
    ['an empty ca.crt', { caCrt: Buffer.alloc(0) }, /lacks the certificate/],
    ["another CA's", { caCrt: other.caCrt }, /lacks the certificate/],
    ['a CA more', { caCrt: Buffer.concat([caCrt, other.caCrt]) }, /not of our CAs/],
    ['text about it', { caCrt: Buffer.concat([caCrt, Buffer.from('hello')]) }, /something else/],
    ['a key beside it', { caCrt: Buffer.concat([caCrt, Buffer.from(key)]) }, /something else/],
    ['a key in ca.crl', { caCrl: Buffer.concat([text, Buffer.from(key)]) }, /something else/],
    ['half of it', { caCrl: text.subarray(0, 200) }, /no END line/],
    [
      'no base64',
      { caCrl: Buffer.from(text.toString().replace('CRL-----\nM', 'CRL-----\n*')) },
      /exact base64/,
    ],
    [
      'no CRL',
      { caCrl: Buffer.from(encodePem('X509 CRL', Buffer.from('secret'))) },
      /cannot be read as a CRL/,
    ],
    ["another CA's CRL", { caCrl: pemOf(await other.crl(7n)) }, /not signed by the key/],
    ['a wrong signature', { caCrl: pemOf(forged) }, /not signed by the key/],
    ['another number under the signature', { caCrl: pemOf(edited) }, /not signed by the key/],
    ['a part of a CRL', { caCrl: pemOf(scoped) }, /issuingDistributionPoint/],
    ['a delta', { caCrl: pemOf(await crl(7n, { deltaBase: 6n })) }, /deltaCrlIndicator/],
    ['two of one CA', { caCrl: pemOf(good, await crl(8n)) }, /two CRLs of one CA/],
  ];
  const reader = createCopyReader([watched]);
  for (const [what, difference, why] of cases) {
    const content = await reader.read({ caCrt, caCrl: text, ...difference });
    assert.equal(content.kind, 'broken', what);
    assert.match(content.detail, why, what);
    assert.doesNotMatch(content.detail, /secret|c2VjcmV0|hello/, what);
  }
  assert.equal((await reader.read({ caCrt, caCrl: text })).kind, 'content');
  assert.equal(chainPem(authority), caCrt.toString());
});

test('a text is verified once, however many copies have it, and a broken one stays broken', async () => {
  const { watched, caCrt, crl } = await publishedBy();
  let asked = 0;
  const counting = {
    ...watched,
    get algorithm() {
      asked += 1;
      return watched.algorithm;
    },
  };
  const reader = createCopyReader([counting]);
  const caCrl = pemOf(await crl(7n));
  const first = await reader.read({ caCrt, caCrl });
  const once = asked;
  assert.ok(once > 0);
  for (let copy = 0; copy < 5; copy += 1)
    assert.deepEqual(await reader.read({ caCrt, caCrl: Buffer.from(caCrl) }), first);
  assert.equal(asked, once);
  const broken = { caCrt, caCrl: Buffer.from('nothing') };
  assert.deepEqual(await reader.read(broken), await reader.read(broken));
});

test('a copy of a megabyte, and files of a million entries, do not hold the event loop', async (t) => {
  const { watched, caCrt, crl } = await publishedBy();
  for (const entries of [15_000, 300_000]) {
    const caCrl = pemOf(await crl(7n, { entries }));
    const reader = createCopyReader([watched]);
    const stalls = watchStalls();
    const content = await reader.read({ caCrt, caCrl });
    const longest = stalls.stop();
    t.diagnostic(`${caCrl.length} octets: ${longest.toFixed(1)} ms`);
    assert.equal(content.kind, 'content');
    assert.ok(longest < 20, `${longest} ms`);
  }
});

test('of a CA with a chain every certificate is there, in whatever order, and none beside', async () => {
  const [{ watched, crl }, root, other] = [await publishedBy(), await publishedBy(), await publishedBy()];
  const authority = { ...watched, chain: [root.watched.certificate] };
  const reader = createCopyReader([authority]);
  const caCrl = pemOf(await crl(7n));
  const pem = ({ certificate }: typeof watched) => Buffer.from(encodePem('CERTIFICATE', certificate.der));
  const [own, above, strange] = [pem(watched), pem(root.watched), pem(other.watched)];
  const read = async (...certificates: Buffer[]) =>
    (await reader.read({ caCrt: Buffer.concat(certificates), caCrl })).kind;
  assert.equal(await read(own, above), 'content');
  assert.equal(await read(above, own), 'content');
  assert.equal(await read(own), 'broken');
  assert.equal(await read(above), 'broken');
  assert.equal(await read(own, above, strange), 'broken');
});

test('what nobody has signed is not taken apart, however much of it there is', async () => {
  const { watched, crl } = await publishedBy();
  const { issuer, signatureAlgorithm, signature } = readCrl(await crl(7n));
  const attribute = sequence(Buffer.from('0603550403', 'hex'), tlv(tag.utf8String, Buffer.from('a')));
  const longName = sequence(Buffer.concat(Array(300_000).fill(tlv(tag.set, attribute))));
  const number = tlv(tag.integer, Buffer.alloc(20_000_000, 7));
  const longNumber = sequence(Buffer.from('0603551d14', 'hex'), tlv(tag.octetString, number));
  const times = [encodeTime(new Date(start)), encodeTime(new Date(start + hour))];
  const signed = (fields: readonly Buffer[], by = signature) =>
    sequence(sequence(integer(1), signatureAlgorithm, ...fields), signatureAlgorithm, bitString(by));
  for (const [what, der] of [
    ['a name', signed([longName, ...times])],
    ['a number', signed([issuer.der, ...times, tlv(contextConstructed(0), sequence(longNumber))])],
    ['fields', signed([Buffer.concat(Array(1_000_000).fill(integer(1)))])],
    ['a signature', signed([issuer.der, ...times], Buffer.alloc(20_000_000))],
  ] as const) {
    await assert.rejects(
      readPublishedCrl(der, [watched], 'complete'),
      /^BrokenContent: it has more beside its entries than a CRL of ours$/,
      what,
    );
  }
});
