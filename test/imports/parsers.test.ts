import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodePem } from '../../src/encoding/pem.ts';
import { isSignedBy } from '../../src/imports/check-signature.ts';
import { readForeignCertificate } from '../../src/imports/foreign-certificate.ts';
import { foreignEntries, readForeignCrl } from '../../src/imports/foreign-crl.ts';
import { foreignSerial, foreignSerialOf } from '../../src/imports/foreign-serial.ts';
import { ImportProblem } from '../../src/imports/import-problem.ts';
import { readIndexLine } from '../../src/imports/index-line.ts';
import { type ForeignBlock, pemBlocks } from '../../src/imports/pem-blocks.ts';
import { linesOf, longestLine } from '../../src/imports/text-lines.ts';
import { readSubjectPublicKeyInfo } from '../../src/x509/public-key.ts';
import { makeAuthority } from '../support/authority.ts';
import { foreignCertificate, foreignCrl, inChunks, keyA, now } from './import-bench.ts';

async function allLines(text: string | Buffer, size: number): Promise<string[]> {
  const found: string[] = [];
  for await (const lines of linesOf(inChunks(text, size))) {
    for (const { number, text: line } of lines) {
      found.push(line);
      assert.equal(number, found.length);
    }
  }
  return found;
}

async function allBlocks(text: string | Buffer, size = 50, mostOctets = 10_000): Promise<ForeignBlock[]> {
  const found: ForeignBlock[] = [];
  for await (const block of pemBlocks(inChunks(text, size), { labels: ['CERTIFICATE'], mostOctets }))
    found.push(block);
  return found;
}

test('lines are those of the text, wherever its pieces end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom('a', 'b', '\t', '\n', ' ') }),
      fc.integer({ min: 1, max: 9 }),
      async (text, size) => {
        const expected = text.split('\n');
        if (expected.at(-1) === '') expected.pop();
        assert.deepEqual(await allLines(text, size), expected);
      },
    ),
  );
  assert.deepEqual(await allLines('a\r\nb\r', 2), ['a', 'b']);
  // What editors put before the text, and cat between two.
  assert.deepEqual(await allLines('\ufeffa\n\ufeffb\ufeff\n\ufeff', 2), ['a', 'b\u00ef\u00bb\u00bf', '']);
  const long = 'x'.repeat(3 * longestLine);
  assert.deepEqual(
    (await allLines(`${long}\nshort\n${long}`, 9_999)).map(({ length }) => length),
    [longestLine, 5, longestLine],
  );
});

test('blocks are found among other words, however long, and broken ones do not take others along', async () => {
  const one = randomBytes(700);
  const large = randomBytes(100_000);
  const pem = encodePem('CERTIFICATE', one);
  const text = `Certificate:\n${pem}${encodePem('PRIVATE KEY', one)}${pem.replace('END C', 'END X')}  ${pem.replaceAll('\n', '\r\n')}
${pem.slice(0, 300)}\n${pem}-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n${pem.replace(/=*\n-----E/, '!\n-----E')}${pem.slice(0, 99)}`;
  const seen = (await allBlocks(text)).map(({ line, label, content }) => [
    line,
    label,
    content instanceof ImportProblem
      ? content.message.replace(/.*: /, '')
      : content && Buffer.concat(content).equals(one),
  ]);
  const lines = text.split('\n').flatMap((line, index) => (line.includes('BEGIN') ? [index + 1] : []));
  assert.deepEqual(
    seen.map(([line]) => line),
    lines,
  );
  assert.deepEqual(
    seen.map(([, , what]) => what),
    [
      true,
      undefined,
      'It has no END line',
      true,
      'It has no END line',
      true,
      'It is empty',
      'It is not exact base64',
      'It has no END line',
    ],
  );
  // Files without a line end at their end, joined by cat, each with the mark of its editor or not.
  const joined = await allBlocks(`\ufeff${pem.trimEnd()}${pem.trimEnd()}${pem}\ufeff${pem}`);
  assert.deepEqual(
    joined.map(({ content }) => Array.isArray(content) && Buffer.concat(content).equals(one)),
    [true, true, true, true],
  );
  const [big] = await allBlocks(encodePem('CERTIFICATE', large), 1_000, 100_000);
  assert.ok(Array.isArray(big?.content) && Buffer.concat(big.content).equals(large));
  const [tooBig] = await allBlocks(encodePem('CERTIFICATE', large), 1_000, 99_999);
  assert.ok(tooBig?.content instanceof ImportProblem);
});

test('a line of index.txt, exactly', () => {
  const read = (text: string) => readIndexLine(text);
  assert.deepEqual(read('V\t271123120000Z\t\t0A\tunknown\t/CN=a\\\tb'), {
    ...{ serial: '0a', notAfter: new Date('2027-11-23T12:00:00Z'), state: 'valid' },
  });
  assert.deepEqual(read('R\t20510101000000Z\t490101000000Z,caKEYTIME,20200101000000Z\tABC\tx\t'), {
    ...{ serial: '0abc', notAfter: new Date('2051-01-01T00:00:00Z'), state: 'revoked' },
    revocation: { revokedAt: new Date('2049-01-01T00:00:00Z'), reason: 'cACompromise' },
  });
  assert.deepEqual(
    read('R\t5012311230Z\t991231235959Z\t00000001\tx\t/')?.notAfter,
    new Date('1950-12-31T12:30:00Z'),
  );
  assert.deepEqual(read('E\t991231235959Z\t\t01\tx\t/').state, 'expired');
  assert.equal(read('R\t501231123000Z\t991231235959Z,removeFromCRL\t01\tx\t/').revocation, undefined);
  // Whatever somebody has done to a line R, it is one as long as the serial is whole.
  const unspecified = { revokedAt: undefined, reason: 'unspecified' };
  const notAfter = new Date('2027-11-23T12:00:00Z');
  const edited = { serial: '0a', state: 'revoked', notAfter } as const;
  assert.deepEqual(read('R\t271123120000Z\t\t0A\tunknown\t/'), { ...edited, revocation: unspecified });
  assert.deepEqual(read('R\t271123120000Z\t,superseded\t0A\t'), {
    ...edited,
    revocation: { ...unspecified, reason: 'superseded' },
  });
  assert.deepEqual(read('R\tnever\t271123120000Z , keyCompromise \t0A\tx\t/\tmore'), {
    ...edited,
    notAfter: undefined,
    revocation: { revokedAt: notAfter, reason: 'keyCompromise' },
  });
  for (const [bad, code] of [
    ['', 'malformed'],
    ['V\t271123120000Z\t\t0A\tunknown', 'malformed'],
    ['V\t271123120000Z\t\t0A\tunknown\t/\t', 'malformed'],
    ['S\t271123120000Z\t\t0A\tunknown\t/', 'malformed'],
    ['toString\t271123120000Z\t\t0A\tunknown\t/', 'malformed'],
    ['V\t270230120000Z\t\t0A\tunknown\t/', 'malformed'],
    ['V\t2711231200001Z\t\t0A\tunknown\t/', 'malformed'],
    // Its serial may be cut off.
    ['R\t271123120000Z\t271123120000Z\t0A', 'malformed'],
    ['R\t271123120000Z\t0A\tunknown\t/', 'malformed'],
    ['E\t\t\t0A\tunknown\t/', 'malformed'],
    ['V\t271123120000Z\t\t0G\tunknown\t/', 'malformed'],
    ['V\t271123120000Z\t\t-01\tunknown\t/', 'serial-unsupported'],
    [`V\t271123120000Z\t\t${'11'.repeat(22)}\tunknown\t/`, 'serial-unsupported'],
  ] as const) {
    assert.throws(
      () => readIndexLine(bad),
      (error) => error instanceof ImportProblem && error.code === code,
      bad,
    );
  }
});

test('a serial is the same, whichever way it was written', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 168n - 1n }), fc.nat(5), (number, zeros) => {
      const hex = number.toString(16);
      const expected = hex.length % 2 === 0 ? hex : `0${hex}`;
      assert.equal(foreignSerial(`${'0'.repeat(zeros)}${hex.toUpperCase()}`), expected);
      const content = Buffer.from(expected, 'hex');
      assert.equal(
        foreignSerialOf((content[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), content]) : content),
        expected,
      );
    }),
  );
});

test('no input makes a reader throw anything but its own errors', async () => {
  const authority = await makeAuthority(now);
  const certificate = await foreignCertificate(authority, { serial: '0102' });
  const revokedAt = new Date(now);
  const crl = await foreignCrl(authority, [{ serial: '01', revokedAt, reason: 'superseded' }], {
    number: 3n,
  });
  const mutated = (octets: Buffer) =>
    fc
      .array(fc.tuple(fc.nat(octets.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const copy = Buffer.from(octets);
        for (const [at, octet] of changes) copy[at] = octet;
        return copy;
      });
  const onlyProblems = (read: () => unknown): void => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof ImportProblem)) throw error;
    }
  };
  const random = fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets));
  fc.assert(
    fc.property(fc.oneof(mutated(certificate), random), (octets) =>
      onlyProblems(() => readForeignCertificate(octets)),
    ),
    { numRuns: 3_000 },
  );
  fc.assert(
    fc.property(fc.oneof(mutated(crl), random), (octets) =>
      onlyProblems(() => [...foreignEntries(readForeignCrl(octets))]),
    ),
    { numRuns: 3_000 },
  );
  const piece = fc.constantFrom(
    'V',
    'R',
    'E',
    '\t',
    '\t',
    ',',
    '271123120000Z',
    '0A',
    '-',
    '\\',
    'keyTime',
    '/CN=a',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) =>
      onlyProblems(() => readIndexLine(pieces.join(''))),
    ),
    { numRuns: 3_000 },
  );
  const dashes = fc.constantFrom(
    '-----BEGIN CERTIFICATE-----',
    '-----END CERTIFICATE-----',
    'AAAA',
    '\n',
    '\n',
    '-----',
    '\r',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(dashes), fc.integer({ min: 1, max: 40 }), async (pieces, size) => {
      await allBlocks(pieces.join(''), size);
    }),
    { numRuns: 500 },
  );
});

test('signatures of every algorithm that scripts have used, large and small; no other key, no other bytes', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed = generateKeyPairSync('ed25519');
  // RSASSA-PSS with SHA-256, MGF1 and a salt of 32 octets.
  const sha256 = '300d06096086480165030402010500';
  const pss = `304106092a864886f70d01010a3034a00f${sha256}a11c301a06092a864886f70d010108${sha256}a203020120`;
  const rows = [
    ['300d06092a864886f70d0101050500', rsa, 'sha1'],
    ['300d06092a864886f70d01010e0500', rsa, 'sha224'],
    ['300d06092a864886f70d01010b0500', rsa, 'sha256'],
    ['300906072a8648ce3d0401', ec, 'sha1'],
    ['300a06082a8648ce3d040301', ec, 'sha224'],
    ['300a06082a8648ce3d040302', ec, 'sha256'],
    ['300506032b6570', ed, null],
    [pss, rsa, 'sha256'],
  ] as const;
  for (const size of [100, 300_000]) {
    for (const [algorithm, { publicKey, privateKey }, digest] of rows) {
      const tbs = randomBytes(size);
      const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
      const signature = sign(digest, tbs, { key: privateKey, ...(algorithm === pss ? padding : {}) });
      const signed = { tbs, signature, signatureAlgorithm: Buffer.from(algorithm, 'hex') };
      const key = readSubjectPublicKeyInfo(publicKey.export({ type: 'spki', format: 'der' }));
      const other = readSubjectPublicKeyInfo(keyA.export({ type: 'spki', format: 'der' }));
      assert.equal(await isSignedBy(signed, key), true, `${algorithm} ${size}`);
      assert.equal(await isSignedBy(signed, other), false);
      assert.equal(await isSignedBy({ ...signed, tbs: Buffer.concat([tbs, Buffer.of(0)]) }, key), false);
      assert.equal(await isSignedBy({ ...signed, signature: Buffer.alloc(9) }, key), false);
    }
  }
  const md5 = {
    tbs: Buffer.of(1),
    signature: Buffer.of(1),
    signatureAlgorithm: Buffer.from('300d06092a864886f70d0101040500', 'hex'),
  };
  const key = readSubjectPublicKeyInfo(rsa.publicKey.export({ type: 'spki', format: 'der' }));
  await assert.rejects(isSignedBy(md5, key), { code: 'signature-unsupported' });
});
