import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enumerated, integer, octetString, sequence, tlv } from '../../src/encoding/der-writer.ts';
import type { ImportReport } from '../../src/imports/import-report.ts';
import { importLock } from '../../src/imports/import-service.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import { encodeExtension } from '../../src/x509/extensions.ts';
import { encodeTime } from '../../src/x509/time.ts';
import { revocationRequest } from '../store/records.ts';
import { makeAuthority } from '../support/authority.ts';
import {
  bytesOf,
  day,
  foreignCertificate,
  foreignCrl,
  type ImportBench,
  importBench,
  indexLine,
  keyA,
  keyB,
  now,
  openSslTime,
  pemOf,
} from './import-bench.ts';

const d1 = new Date(now - 50 * day);
const d2 = new Date(now - 20 * day);

/** The counts that are not zero, and the codes of the problems. */
function said(report: ImportReport): Record<string, unknown> {
  const { dryRun: _, problems, problemCount, crlNumber, ...counts } = report;
  const some = Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
  return {
    ...some,
    ...(crlNumber === undefined ? {} : { crlNumber }),
    ...(problemCount === 0 ? {} : { problems: problems.map(({ code, position }) => `${position} ${code}`) }),
  };
}

async function revocationOf({ db }: ImportBench, serial: string) {
  const [row] = await db.query<{
    reason: string;
    revoked_at: Date;
    not_after: Date;
    linked: boolean;
    in_crl: boolean;
  }>({
    text: `select reason, revoked_at, not_after, certificate_id is not null as linked, in_crl
      from revocations where serial = $1`,
    values: [Buffer.from(serial, 'hex')],
  });
  return row;
}

test('certificates are recorded as they are, with their names, and once', async (t) => {
  const bench = await importBench(t);
  const { authority } = bench;
  const one = await foreignCertificate(authority, { serial: '0a' });
  const odd = await foreignCertificate(authority, {
    serial: '0b',
    subject: sequence(tlv(0x31, Buffer.of(5, 0))),
  });
  const long = await foreignCertificate(authority, { serial: 'ff'.repeat(20) });
  const expired = await foreignCertificate(authority, { serial: '0c', notAfter: new Date(now - 2 * day) });
  const text = `Certificate:\n  Data: …\n${pemOf(one)}noise\n${pemOf(odd)}${pemOf(long)}${pemOf(expired)}${pemOf(authority.certificate.der)}
-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n`;
  const report = await bench.importCertificates(text);
  assert.deepEqual(said(report), { read: 6, recorded: 3, expired: 1, passedOver: 2 });
  const stored = await bench.certificates.findBySerial('0a');
  assert.equal(stored?.subject, 'CN=device 0a');
  assert.deepEqual(
    [stored?.profile, stored?.requester, stored?.createdAt],
    ['imported', 'token:i', stored?.notBefore],
  );
  assert.ok(stored?.der.equals(one));
  assert.match((await bench.certificates.findBySerial('0b'))?.subject ?? '', /^#30/);
  assert.ok(await bench.certificates.findBySerial('ff'.repeat(20)));
  const before = await bytesOf(bench.db);
  assert.deepEqual(said(await bench.importCertificates(text)), {
    read: 6,
    alreadyKnown: 3,
    expired: 1,
    passedOver: 2,
  });
  assert.deepEqual(await bytesOf(bench.db), before);
  assert.deepEqual(bench.told, []);
});

test('what is not a certificate of this authority is reported, and stops nothing', async (t) => {
  const bench = await importBench(t);
  const { authority } = bench;
  const stranger = await makeAuthority(now);
  const sameName = await foreignCertificate(stranger, {
    serial: '01',
    issuer: authority.certificate.subject.der,
  });
  const otherName = await foreignCertificate(stranger, { serial: '02', issuer: sequence() });
  const good = await foreignCertificate(authority, { serial: '03' });
  const twin = await foreignCertificate(authority, { serial: '03', key: keyB });
  const zero = await foreignCertificate(authority, { serial: '04' });
  const text = [
    pemOf(sameName),
    pemOf(otherName),
    '-----BEGIN CERTIFICATE-----\nAAAA*\n-----END CERTIFICATE-----\n',
    '-----BEGIN CERTIFICATE-----\nAAAA\n',
    pemOf(good),
    pemOf(twin),
    pemOf(Buffer.concat([zero, Buffer.of(0)])),
  ].join('');
  const { problems, ...counts } = await bench.importCertificates(text);
  assert.deepEqual(
    problems.map(({ code, serial }) => [code, serial]),
    [
      ['other-issuer', '02'],
      ['malformed', undefined],
      ['malformed', undefined],
      ['malformed', undefined],
      ['signature-invalid', '01'],
      ['serial-taken', '03'],
    ],
  );
  assert.deepEqual([counts.read, counts.recorded, counts.problemCount], [7, 1, 6]);
  // Wherever it stands.
  assert.deepEqual(said(await bench.importCertificates(pemOf(sameName))), {
    read: 1,
    problems: ['1 signature-invalid'],
  });
  // And against what is on record.
  assert.deepEqual(said(await bench.importCertificates(pemOf(twin))), {
    read: 1,
    problems: ['1 serial-taken'],
  });
});

test('an index: every reason of openssl, holds, what was taken back, and what has expired', async (t) => {
  const bench = await importBench(t);
  const at = openSslTime(d1);
  const serials = ['01', '02', '03', '04', '05', '06', '07', '08', '09', '0a'];
  const reasons = [
    '',
    ',keyCompromise',
    ',CACompromise',
    ',superseded',
    ',certificateHold',
    `,holdInstruction,holdInstructionCallIssuer`,
    ',keyTime,20200101000000Z',
    ',CAkeyTime,20200101000000Z',
    ',removeFromCRL',
    ',odd',
  ];
  const lines = serials.map((serial, i) => indexLine({ serial, revoked: `${at}${reasons[i]}` }));
  const text = [
    '# a comment\n',
    ...lines,
    indexLine({ serial: '1000', flag: 'V' }),
    indexLine({ serial: '1001', flag: 'V', notAfter: new Date(now - 2 * day) }),
    indexLine({ serial: '1002', flag: 'E', notAfter: new Date(now - 2 * day) }),
    indexLine({ serial: '1003', revoked: at, notAfter: new Date(now - 2 * day) }),
    'nonsense\n',
    indexLine({ serial: '-01', revoked: at }),
    'R\tnever\tnever\t1004\tx\t/CN=edited',
  ].join('');
  const report = await bench.importIndex(text);
  assert.deepEqual(said(report), {
    ...{ read: 17, revoked: 10, withoutCertificate: 11, notRevoked: 2, expired: 3 },
    problems: [
      '11 reason-unknown',
      '16 malformed',
      '17 serial-unsupported',
      '18 date-unknown',
      '18 date-unknown',
    ],
  });
  const found = await Promise.all(serials.map(async (serial) => (await revocationOf(bench, serial))?.reason));
  assert.deepEqual(found, [
    ...['unspecified', 'keyCompromise', 'cACompromise', 'superseded', 'certificateHold', 'certificateHold'],
    ...['keyCompromise', 'cACompromise', undefined, 'unspecified'],
  ]);
  assert.deepEqual(await revocationOf(bench, '01'), {
    ...{
      reason: 'unspecified',
      revoked_at: d1,
      not_after: new Date(now + 100 * day),
      linked: false,
      in_crl: true,
    },
  });
  // Somebody has edited it; it is revoked nonetheless.
  assert.deepEqual(await revocationOf(bench, '1004'), {
    ...{ reason: 'unspecified', revoked_at: new Date(now), not_after: bench.authority.certificate.notAfter },
    ...{ linked: false, in_crl: true },
  });
  // Not lost, and on no CRL.
  assert.equal((await revocationOf(bench, '1003'))?.in_crl, false);
  assert.deepEqual(bench.told, [true]);
  const before = await bytesOf(bench.db);
  bench.clock.advance(60);
  const again = await bench.importIndex(text);
  assert.deepEqual([again.revoked, again.changed, again.alreadyRevoked], [0, 0, 11]);
  assert.deepEqual(await bytesOf(bench.db), before);
  assert.deepEqual(bench.told, [true]);
});

test('a CRL: foreign entries stand until the CA ends; certificate and index tell better, later or before', async (t) => {
  const bench = await importBench(t);
  const { authority } = bench;
  const caEnd = authority.certificate.notAfter;
  const crl = await foreignCrl(authority, [
    { serial: '01', revokedAt: d1, reason: 'superseded' },
    { serial: '02', revokedAt: d1 },
    { serial: '03', revokedAt: d1, reason: 'removeFromCRL' },
  ]);
  assert.deepEqual(said(await bench.importCrl(crl)), {
    read: 3,
    revoked: 2,
    withoutCertificate: 2,
    notRevoked: 1,
  });
  assert.deepEqual((await revocationOf(bench, '01'))?.not_after, caEnd);
  const position = async () =>
    (await bench.db.query({ text: 'select position from revocation_head' }))[0]?.position;
  const was = await position();
  const end = new Date(now + 7 * day);
  assert.deepEqual(
    said(await bench.importIndex(indexLine({ serial: '01', revoked: openSslTime(d1), notAfter: end }))),
    {
      ...{ read: 1, changed: 1 },
    },
  );
  assert.deepEqual((await revocationOf(bench, '01'))?.not_after, end);
  assert.notEqual(await position(), was);
  // What changed carries the change, or no delta and no other replica would hear of it.
  const changed = await bench.db.query({
    text: `select encode(serial, 'hex') as serial from revocations join revocation_changes using (change_id)
      where position = (select position from revocation_head)`,
  });
  assert.deepEqual(changed, [{ serial: '01' }]);
  const certificate = await foreignCertificate(authority, { serial: '02', notAfter: end });
  assert.deepEqual(said(await bench.importCertificates(pemOf(certificate))), {
    read: 1,
    recorded: 1,
    changed: 1,
  });
  assert.deepEqual(await revocationOf(bench, '02'), {
    ...{ reason: 'unspecified', revoked_at: d1, not_after: end, linked: true, in_crl: true },
  });
  const before = await bytesOf(bench.db);
  assert.deepEqual(said(await bench.importCrl(crl)), { read: 3, alreadyRevoked: 2, notRevoked: 1 });
  assert.deepEqual(await bytesOf(bench.db), before);
});

test('PEM CRLs: those of others are reported and left out, and one of ours is enough', async (t) => {
  const bench = await importBench(t);
  const stranger = await makeAuthority(now);
  const pem = (der: Buffer): string => pemOf(der).replaceAll('CERTIFICATE', 'X509 CRL');
  const ours = await foreignCrl(bench.authority, [{ serial: '01', revokedAt: d1 }], { number: 77n });
  // As after `echo 00 > crlnumber`.
  const first = await foreignCrl(bench.authority, [], { number: 0n });
  assert.deepEqual(said(await bench.importCrl(first)), { crlNumber: 0n });
  // A number alone is news, too, as ours has to be above it; once.
  for (const number of [5n, 5n, 4n]) await bench.importCrl(await foreignCrl(bench.authority, [], { number }));
  assert.deepEqual(bench.told, [false]);
  const forged = await foreignCrl(stranger, [{ serial: '02', revokedAt: d1 }]);
  const other = await foreignCrl(stranger, [{ serial: '03', revokedAt: d1 }], { issuer: sequence() });
  const { problems, ...counts } = await bench.importCrl(`text\n${pem(forged)}${pem(other)}${pem(ours)}`);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['signature-invalid', 'other-issuer'],
  );
  assert.deepEqual([counts.revoked, counts.crlNumber], [1, 77n]);
  const refused: [Buffer | string, string, string | undefined][] = [
    [forged, 'crl-refused', 'signature-invalid'],
    [pem(other), 'crl-refused', 'other-issuer'],
    [Buffer.from('3003020101', 'hex'), 'crl-malformed', 'malformed'],
    ['', 'crl-malformed', 'malformed'],
    ['no PEM', 'crl-malformed', 'malformed'],
    [await foreignCrl(bench.authority, [], { number: 2n ** 62n }), 'crl-refused', 'crl-number-too-large'],
    [
      await foreignCrl(bench.authority, [{ serial: '05', revokedAt: d1 }], {
        extensions: [encodeExtension('2.5.29.27', true, integer(1))],
      }),
      'crl-refused',
      'crl-unsupported',
    ],
    [
      await foreignCrl(bench.authority, [{ serial: '05', revokedAt: d1 }], {
        extensions: [encodeExtension('2.5.29.28', true, sequence(tlv(0x84, Buffer.of(0xff))))],
      }),
      'crl-refused',
      'crl-unsupported',
    ],
  ];
  const before = await bytesOf(bench.db);
  for (const [body, code, reason] of refused) {
    await assert.rejects(bench.importCrl(body), (error: { code: string; reasons: { code: string }[] }) => {
      assert.deepEqual([error.code, error.reasons[0]?.code], [code, reason]);
      return true;
    });
  }
  assert.deepEqual(await bytesOf(bench.db), before);
});

test("entries with odd extensions are taken, those of other CAs' certificates are not, and a bad one stops nothing", async (t) => {
  const bench = await importBench(t);
  const entry = (serial: Buffer, ...extensions: Buffer[]) =>
    sequence(tlv(2, serial), encodeTime(d1), ...(extensions.length > 0 ? [sequence(...extensions)] : []));
  const reason = (code: number) => encodeExtension('2.5.29.21', false, enumerated(code));
  const issuer = (...names: Buffer[]) =>
    encodeExtension(
      '2.5.29.29',
      true,
      sequence(tlv(0x82, Buffer.of(0x61)), ...names.map((name) => tlv(0xa4, name))),
    );
  const crl = await foreignCrl(bench.authority, [
    entry(Buffer.of(1), reason(1), encodeExtension('2.5.29.24', false, octetString(Buffer.of(1)))),
    entry(Buffer.of(2), issuer(sequence())),
    // RFC 5280 5.3.3: it is of the same CA as the one before.
    entry(Buffer.of(6), reason(1)),
    entry(Buffer.of(7), issuer(sequence(), bench.authority.certificate.subject.der)),
    entry(Buffer.of(3), reason(7)),
    sequence(tlv(2, Buffer.of(8)), tlv(0x17, Buffer.from('2601010000Z'))),
    entry(Buffer.of(0)),
    entry(Buffer.of(0xff)),
    entry(Buffer.of(0x80)),
    entry(Buffer.of(4), encodeExtension('1.2.3', true, sequence())),
    sequence(integer(5)),
    entry(Buffer.alloc(22, 1)),
    entry(Buffer.alloc(21, 1)),
  ]);
  assert.deepEqual(said(await bench.importCrl(crl)), {
    ...{ read: 13, revoked: 7, withoutCertificate: 7 },
    problems: [
      '2 entry-unsupported',
      '3 entry-unsupported',
      '6 date-unknown',
      '8 serial-unsupported',
      '9 serial-unsupported',
      '11 malformed',
      '12 serial-unsupported',
    ],
  });
  assert.deepEqual((await revocationOf(bench, '08'))?.revoked_at, new Date(now));
  assert.ok(await revocationOf(bench, '00'));
  assert.equal((await revocationOf(bench, '01'))?.reason, 'keyCompromise');
  assert.equal((await revocationOf(bench, '03'))?.reason, 'unspecified');
});

test('what was revoked before keeps its date, unless it was earlier; a hold takes any reason, and everything keyCompromise', async (t) => {
  const bench = await importBench(t);
  const serials = ['01', '02', '03', '04'];
  for (const serial of serials)
    await bench.importCertificates(pemOf(await foreignCertificate(bench.authority, { serial })));
  const revocations = createRevocationStore(bench.db);
  const own = { revokedAt: d1, entry: Buffer.of(1) };
  await revocations.revoke(revocationRequest('01', { ...own, reason: 'certificateHold' }));
  await revocations.revoke(revocationRequest('02', { ...own, reason: 'superseded' }));
  await revocations.revoke(revocationRequest('03', { ...own, reason: 'superseded' }));
  const told = (serial: string, reason: string, at = d2) =>
    indexLine({ serial, revoked: `${openSslTime(at)},${reason}` });
  const report = await bench.importIndex(
    told('01', 'superseded') +
      told('02', 'certificateHold') +
      told('03', 'unspecified', new Date(d1.getTime() - day)),
  );
  assert.deepEqual(said(report), { read: 3, changed: 2, alreadyRevoked: 1 });
  const facts = async (serial: string) => {
    const row = await revocationOf(bench, serial);
    return [row?.reason, row?.revoked_at];
  };
  assert.deepEqual(await facts('01'), ['superseded', d1]);
  assert.deepEqual(await facts('02'), ['superseded', d1]);
  assert.deepEqual(await facts('03'), ['superseded', new Date(d1.getTime() - day)]);
});

test('a key that is compromised is blocked, and every certificate of it revoked, whatever comes first', async (t) => {
  const bench = await importBench(t);
  const [c1, c2, c3] = await Promise.all(
    ['01', '02', '03'].map((serial) =>
      foreignCertificate(bench.authority, { serial, key: serial === '03' ? keyB : keyA }),
    ),
  );
  assert.ok(c1 && c2 && c3);
  await bench.importCertificates(pemOf(c1));
  const report = await bench.importIndex(
    indexLine({ serial: '01', revoked: `${openSslTime(d1)},keyCompromise` }),
  );
  assert.deepEqual(said(report), { read: 1, revoked: 1 });
  // Its sibling comes later, when the key has long been blocked.
  bench.told.length = 0;
  assert.deepEqual(said(await bench.importCertificates(pemOf(c2) + pemOf(c3))), {
    read: 2,
    recorded: 2,
    siblings: 1,
  });
  assert.deepEqual(bench.told, [true]);
  assert.equal((await revocationOf(bench, '02'))?.reason, 'keyCompromise');
  assert.equal(await revocationOf(bench, '03'), undefined);
  const blocked = await bench.db.query({ text: 'select from blocked_keys' });
  assert.equal(blocked.length, 1);
});

test('what is told to be revoked later than now is revoked now, and stays so', async (t) => {
  const bench = await importBench(t);
  for (const at of [new Date(now + day), new Date('2049-12-31T23:59:59Z')]) {
    await bench.importIndex(indexLine({ serial: '01', revoked: `${openSslTime(at)},superseded` }));
    assert.deepEqual((await revocationOf(bench, '01'))?.revoked_at, new Date(now));
  }
});

test('a hold that was released here is not put back by what is older, and is by what is newer', async (t) => {
  const bench = await importBench(t);
  const certificate = await foreignCertificate(bench.authority, { serial: '01' });
  await bench.importCertificates(pemOf(certificate));
  const hold = (at: Date) => indexLine({ serial: '01', revoked: `${openSslTime(at)},certificateHold` });
  await bench.importIndex(hold(d1));
  const release = {
    serial: '01',
    authority: bench.authority.name,
    releasedAt: new Date(now),
    requester: 'token:r',
  };
  assert.ok(await createRevocationStore(bench.db).releaseHold({ ...release, entry: Buffer.of(1) }));
  // To the second in which it was released.
  for (const at of [d2, new Date(now)])
    assert.deepEqual(said(await bench.importIndex(hold(at))), { read: 1, notRevoked: 1 });
  assert.equal(await revocationOf(bench, '01'), undefined);
  // Also where both stand in one file.
  const both = hold(d2) + hold(new Date(now + day));
  assert.deepEqual(said(await bench.importIndex(both)), { read: 2, notRevoked: 1, revoked: 1 });
});

test('a dry run counts the same, and writes nothing', async (t) => {
  const bench = await importBench(t);
  const certificate = await foreignCertificate(bench.authority, { serial: '01' });
  const crl = await foreignCrl(bench.authority, [{ serial: '02', revokedAt: d1 }], { number: 5n });
  const index = indexLine({ serial: '01', revoked: `${openSslTime(d1)},keyCompromise` });
  const before = await bytesOf(bench.db);
  const dry = [
    await bench.importCertificates(pemOf(certificate), true),
    await bench.importIndex(index, true),
    await bench.importCrl(crl, true),
  ].map(said);
  assert.deepEqual(await bytesOf(bench.db), before);
  assert.deepEqual([bench.told, bench.counted], [[], []]);
  assert.deepEqual(dry, [
    { read: 1, recorded: 1 },
    { read: 1, revoked: 1, withoutCertificate: 1 },
    { read: 1, revoked: 1, withoutCertificate: 1, crlNumber: 5n },
  ]);
  // Nor is anybody told where it would change a revocation that stands, and revoke siblings of it.
  await bench.importIndex(index);
  bench.told.length = 0;
  const twin = await foreignCertificate(bench.authority, { serial: '03' });
  const linked = await bench.importCertificates(pemOf(certificate) + pemOf(twin), true);
  assert.deepEqual(said(linked), { read: 2, recorded: 2, changed: 1, siblings: 1 });
  assert.deepEqual(bench.told, []);
});

test('one import at a time, over all replicas; what is not of the kind is refused', async (t) => {
  const bench = await importBench(t);
  await bench.db.withAdvisoryLock(importLock, async () => {
    await assert.rejects(bench.importIndex(''), { code: 'too-many-requests', retryAfterSeconds: 30 });
  });
  assert.deepEqual(said(await bench.importIndex('')), {});
  await assert.rejects(bench.importIndex('# x\nPEM\nor what\n'), { code: 'request-invalid' });
  await assert.rejects(bench.importCertificates('nothing'), { code: 'request-invalid' });
  await assert.rejects(
    bench.service.importIndex({
      authority: 'other',
      body: (async function* () {})(),
      requester: 'x',
      dryRun: false,
    }),
    { code: 'authority-not-found' },
  );
});

test('what breaks off in the middle keeps what was recorded, and it is told', async (t) => {
  const bench = await importBench(t);
  const body = (async function* () {
    for (let n = 1; n <= 5_000; n++)
      yield Buffer.from(indexLine({ serial: n.toString(16).padStart(4, '0'), revoked: openSslTime(d1) }));
    throw new Error('the connection broke');
  })();
  await assert.rejects(
    bench.service.importIndex({ authority: 'internal-ca', body, requester: 'x', dryRun: false }),
    /the connection broke/,
  );
  const rows = await bench.db.query({ text: 'select from revocations' });
  assert.equal(rows.length, 4_000);
  assert.deepEqual(bench.told, [false]);
  assert.deepEqual(bench.counted.map(said), [{ read: 5_000, revoked: 4_000, withoutCertificate: 4_000 }]);
});

test('what is large lets others have their turn, before anybody knows who has signed it', async (t) => {
  const bench = await importBench(t);
  const stranger = await makeAuthority(now);
  const names = sequence(...Array.from({ length: 12_000 }, () => tlv(0x82, Buffer.from('ab'))));
  const extensions = [encodeExtension('2.5.29.17', false, names)];
  const pem = pemOf(await foreignCertificate(stranger, { serial: '01', issuer: sequence(), extensions }));
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    pending = setImmediate(turn);
  };
  let pending = setImmediate(turn);
  t.after(() => clearImmediate(pending));
  const atBlock: number[] = [];
  const body = (async function* () {
    for (let n = 0; n < 40; n++) {
      atBlock.push(turns);
      yield Buffer.from(pem);
    }
  })();
  const request = { authority: 'internal-ca', body, requester: 'x', dryRun: false };
  const { problemCount } = await bench.service.importCertificates(request);
  assert.equal(problemCount, 40);
  assert.equal(new Set(atBlock).size, 40);
  const large = encodeExtension('1.2.3', false, Buffer.alloc(65_536));
  await assert.rejects(bench.importCrl(await foreignCrl(bench.authority, [], { extensions: [large] })), {
    code: 'crl-malformed',
  });
});

test('a clock that was ahead takes nothing from the CRLs that has not expired: by that of the database, or when it is set right', async (t) => {
  const bench = await importBench(t);
  const notAfter = new Date(now + 90 * day);
  const certificate = await foreignCertificate(bench.authority, { serial: '02', notAfter });
  const index = indexLine({ serial: '01', revoked: openSslTime(d1), notAfter });
  bench.clock.set(now + 3_000 * day);
  assert.deepEqual(said(await bench.importIndex(index)), { read: 1, revoked: 1, withoutCertificate: 1 });
  assert.deepEqual(said(await bench.importCertificates(pemOf(certificate))), { read: 1, recorded: 1 });
  assert.equal((await revocationOf(bench, '01'))?.in_crl, true);
  // Both were ahead.
  await bench.db.query({ text: `update revocations set in_crl = false, entry = ''` });
  assert.deepEqual(said(await bench.importIndex(index)), { read: 1, alreadyRevoked: 1 });
  bench.clock.set(now);
  bench.told.length = 0;
  assert.deepEqual(said(await bench.importIndex(index)), { read: 1, changed: 1 });
  assert.deepEqual(bench.told, [false]);
  const [row] = await bench.db.query<{ entry: Buffer }>({
    text: 'select entry from revocations where in_crl',
  });
  assert.ok((row?.entry.length ?? 0) > 0);
  assert.deepEqual(said(await bench.importIndex(index)), { read: 1, alreadyRevoked: 1 });
});

test('the database goes away in the middle: it is said, what was told before is there, and again completes it', async (t) => {
  const bench = await importBench(t);
  const lines = Array.from({ length: 5_000 }, (_, n) =>
    indexLine({
      serial: (n + 1).toString(16).padStart(4, '0'),
      revoked: `${openSslTime(d1)}${n === 0 ? ',keyCompromise' : ''}`,
    }),
  );
  const body = (async function* () {
    for (const [n, line] of lines.entries()) {
      if (n === 4_500)
        await bench.db.query({
          text: `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()`,
        });
      yield Buffer.from(line);
    }
  })();
  const request = { authority: 'internal-ca', body, requester: 'x', dryRun: false };
  await assert.rejects(bench.service.importIndex(request), { code: 'database-unavailable' });
  assert.equal((await bench.db.query({ text: 'select from revocations' })).length, 4_000);
  // What was urgent in the first of its transactions is so in the end.
  assert.deepEqual(bench.told, [true]);
  const { revoked, alreadyRevoked } = await bench.importIndex(lines.join(''));
  assert.deepEqual([revoked, alreadyRevoked], [1_000, 4_000]);
  assert.deepEqual(bench.told, [true, false]);
});

test('what is of another authority is left as it is; and when a certificate ends nobody knows better than itself', async (t) => {
  const bench = await importBench(t);
  const certificateOf = async (serial: string) =>
    pemOf(await foreignCertificate(bench.authority, { serial }));
  const revoked = (serial: string) =>
    indexLine({ serial, revoked: openSslTime(d1), notAfter: new Date(now + 5 * day) });
  await bench.importCertificates(await certificateOf('05'));
  await bench.importIndex(revoked('06'));
  for (const table of ['certificates', 'revocations'])
    await bench.db.query({ text: `update ${table} set authority = 'other'` });
  assert.deepEqual(said(await bench.importIndex(revoked('05') + revoked('06'))), {
    read: 2,
    problems: ['1 serial-taken', '2 serial-taken'],
  });
  assert.equal(await revocationOf(bench, '05'), undefined);
  const valid = await bench.importIndex(indexLine({ serial: '05', flag: 'V' }));
  assert.deepEqual(said(valid), { read: 1, notRevoked: 1, withoutCertificate: 1 });
  assert.deepEqual(said(await bench.importCertificates(await certificateOf('06'))), { read: 1, recorded: 1 });
  assert.equal((await revocationOf(bench, '06'))?.linked, false);

  await bench.importCertificates(await certificateOf('07'));
  for (const count of ['revoked', 'alreadyRevoked'])
    assert.deepEqual(said(await bench.importIndex(revoked('07'))), { read: 1, [count]: 1 });
  assert.deepEqual((await revocationOf(bench, '07'))?.not_after, new Date(now + 100 * day));
});
