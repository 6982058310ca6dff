import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { membersOf } from '../../src/members-of.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryDataDirectory } from '../support/postgres-server.ts';
import { startTestService, type TestService, type TestServiceOptions } from '../support/service.ts';
import { spawnService } from '../support/service-process.ts';
import { skipUnless } from '../support/skip.ts';
import {
  createOpensslCa,
  crlNumberOf,
  crlText,
  fileOf,
  type OpensslCa,
  verifyAgainst,
} from './openssl-ca.ts';

/** From a CA of shell scripts to the service, with OpenSSL on either side. */

const revoked = ['plain', 'stolen', 'caHacked', 'left', 'held', 'instructed', 'since'];

function scriptedCa(t: TestContext, crlNumber?: string): OpensslCa {
  const ca = createOpensslCa(t, crlNumber === undefined ? {} : { crlNumber });
  for (const name of ['good', ...revoked, 'other']) ca.issue(name);
  ca.revoke('plain');
  ca.revoke('stolen', '-crl_reason', 'keyCompromise');
  ca.revoke('caHacked', '-crl_CA_compromise', '20240101000000Z');
  ca.revoke('left', '-crl_reason', 'cessationOfOperation');
  ca.revoke('held', '-crl_reason', 'certificateHold');
  ca.revoke('instructed', '-crl_hold', 'holdInstructionReject');
  ca.revoke('since', '-crl_compromise', '20240101000000Z');
  ca.publishCrl();
  return ca;
}

const keyFiles = (ca: OpensslCa) => ({
  CA_IMPORT_CERTIFICATE_FILE: ca.path('ca.crt'),
  CA_IMPORT_KEY_FILE: ca.path('ca.key'),
});

const importFiles = (ca: OpensslCa) => ({
  ...keyFiles(ca),
  CA_IMPORT_INDEX_FILE: ca.path('index.txt'),
  CA_IMPORT_CRL_FILE: ca.path('crl.pem'),
  CA_IMPORT_CERTIFICATES: ca.path('newcerts'),
});

async function currentCrl(service: TestService): Promise<Buffer> {
  return (await service.call('GET', '/crl/internal-ca.pem', { token: null })).body;
}

/** What a scrape says of imports: the outcomes that there were. */
async function countedImports(service: TestService): Promise<Record<string, number>> {
  const { body } = await service.call('GET', '/metrics');
  const text = body.toString();
  // Alerts and panels of what is revoked here are not to be set off by a million of old ones.
  assert.doesNotMatch(text, /^internal_ca_certificates_revoked_total\{/m);
  const series = [...text.matchAll(/^internal_ca_imported_total\{outcome="(\w+)"\} (\d+)$/gm)];
  const counts = series.map(([, outcome = '', count]) => [outcome, Number(count)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

function assertVerdicts(ca: OpensslCa, crl: Buffer): void {
  for (const name of revoked) assert.equal(verifyAgainst(ca, crl, name), 'revoked', name);
  for (const name of ['good', 'other']) assert.equal(verifyAgainst(ca, crl, name), 'OK', name);
}

async function serialOf(service: TestService, name: string): Promise<string> {
  const found = membersOf((await service.call('GET', `/v1/certificates?subject=${name}`)).json()).items;
  assert.ok(Array.isArray(found) && found.length === 1, name);
  return String(membersOf(found[0]).serial);
}

test('the first start imports index, certificates and CRL before anything is published; a hold that was released stays so', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  const ca = scriptedCa(t);
  const service = await startTestService(t, { env: importFiles(ca) });
  const crl = await currentCrl(service);
  assertVerdicts(ca, crl);
  const text = crlText(ca, crl);
  for (const reason of ['Key Compromise', 'CA Compromise', 'Cessation Of Operation', 'Certificate Hold'])
    assert.match(text, new RegExp(reason));
  assert.equal(text.match(/Serial Number/g)?.length, revoked.length);
  // There was no CRL before that one.
  const numbers = service.log.filter((line) => membersOf(line).msg === 'CRL');
  assert.equal(numbers.length, 1);
  const imported = service.log.filter((line) => membersOf(line).msg === 'imported');
  assert.deepEqual(
    imported.map((line) => [membersOf(line).setting, membersOf(line).recorded, membersOf(line).revoked]),
    [
      ['CA_IMPORT_CERTIFICATES', revoked.length + 2, 0],
      ['CA_IMPORT_INDEX_FILE', 0, revoked.length],
      ['CA_IMPORT_CRL_FILE', 0, 0],
    ],
  );
  const search = membersOf(
    (await service.call('GET', '/v1/certificates?profile=imported&state=valid')).json(),
  );
  assert.ok(Array.isArray(search.items) && search.items.length === 2);
  assert.deepEqual(await countedImports(service), {
    ...{ recorded: revoked.length + 2, revoked: revoked.length },
    ...{ alreadyRevoked: revoked.length, notRevoked: 2 },
  });

  // Certificates of the scripts are as any other now.
  assert.equal(
    (await service.call('POST', `/v1/certificates/${await serialOf(service, 'other')}/revoke`)).status,
    200,
  );
  assert.equal(
    (await service.call('POST', `/v1/certificates/${await serialOf(service, 'held')}/release`)).status,
    200,
  );
  await eventually(async () => {
    const next = await currentCrl(service);
    assert.equal(verifyAgainst(ca, next, 'other'), 'revoked');
    assert.equal(verifyAgainst(ca, next, 'held'), 'OK');
  });
  await service.restart();
  assert.equal(verifyAgainst(ca, await currentCrl(service), 'held'), 'OK');
  assert.equal(service.log.filter((line) => /^imported/.test(String(membersOf(line).msg))).length, 0);

  // The scripts went on for a while: what changed is imported, and what was released is not put back by it.
  ca.revoke('good', '-crl_reason', 'superseded');
  await service.restart();
  const last = await currentCrl(service);
  assert.equal(verifyAgainst(ca, last, 'good'), 'revoked');
  assert.equal(verifyAgainst(ca, last, 'held'), 'OK');
});

test('by HTTP: a dry run, the three imports, and again without any change', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  // Above every number that the time of day gives.
  const ca = scriptedCa(t, 'FFFFFFFFFF');
  const service = await startTestService(t, { env: keyFiles(ca) });
  const first = await currentCrl(service);
  assert.equal(verifyAgainst(ca, first, 'plain'), 'OK');
  const newcerts = readdirSync(ca.path('newcerts')).map((name) => readFileSync(ca.path(`newcerts/${name}`)));
  const post = async (kind: string, type: string, body: Buffer) => {
    const path = `/v1/authorities/internal-ca/imports/${kind}`;
    const answer = await service.call('POST', path, { body, headers: { 'content-type': type } });
    assert.equal(answer.status, 200, answer.body.toString());
    return membersOf(answer.json());
  };
  const imports = async (query = '') => [
    await post(`certificates${query}`, 'application/x-pem-file', Buffer.concat(newcerts)),
    await post(`openssl-index${query}`, 'text/plain', fileOf(ca, 'index.txt')),
    await post(`crl${query}`, 'application/x-pem-file', fileOf(ca, 'crl.pem')),
  ];
  const [dry] = await imports('?dryRun=true');
  assert.equal(dry?.recorded, revoked.length + 2);
  assert.deepEqual(
    membersOf((await service.call('GET', '/v1/certificates?profile=imported')).json()).items,
    [],
  );

  assert.deepEqual(await countedImports(service), {});
  const reports = await imports();
  assert.deepEqual(
    reports.map(({ recorded, revoked: now, alreadyRevoked, problemCount }) => [
      recorded,
      now,
      alreadyRevoked,
      problemCount,
    ]),
    [
      [revoked.length + 2, 0, 0, 0],
      [0, revoked.length, 0, 0],
      [0, 0, revoked.length, 0],
    ],
  );
  const theirs = crlNumberOf(ca, fileOf(ca, 'crl.pem'));
  assert.equal(theirs, 0xffffffffffn);
  await eventually(async () => assert.ok(crlNumberOf(ca, await currentCrl(service)) > theirs));
  const crl = await currentCrl(service);
  assertVerdicts(ca, crl);

  const again = await imports();
  assert.deepEqual(
    again.map(({ recorded, revoked: now, changed, siblings }) => [recorded, now, changed, siblings]),
    [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ],
  );
  assert.deepEqual(await countedImports(service), {
    ...{ recorded: revoked.length + 2, alreadyKnown: revoked.length + 2, revoked: revoked.length },
    ...{ alreadyRevoked: 3 * revoked.length, notRevoked: 4 },
  });
  await service.restart();
  assert.ok((await currentCrl(service)).equals(crl));
});

test('after a restore, one call brings back what the last published CRL says, also of certificates that nobody has any more', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  const ca = scriptedCa(t);
  writeFileSync(
    ca.path('callers.yaml'),
    'callers: {proxy: {header: ssl-client-cert, networks: [127.0.0.1]}}',
  );
  // The published CRL knows of all; the restored database of nothing. What OpenSSL publishes is as good.
  const service = await startTestService(t, {
    env: { ...keyFiles(ca), VERIFY_CALLERS_FILE: ca.path('callers.yaml') },
  });
  const answer = await service.call('POST', '/v1/authorities/internal-ca/imports/crl', {
    body: fileOf(ca, 'crl.pem'),
    headers: { 'content-type': 'text/plain' },
  });
  const report = membersOf(answer.json());
  assert.deepEqual([report.revoked, report.withoutCertificate], [revoked.length, revoked.length]);
  await eventually(async () => assertVerdicts(ca, await currentCrl(service)));
  // Live verification refuses them, though it cannot know them; and OCSP says revoked.
  for (const [name, status, reason] of [
    ['stolen', 403, /revoked/],
    ['good', 200, /^/],
  ] as const) {
    const pem = encodeURIComponent(ca.run('x509', '-in', `${name}.crt`));
    const verdict = await service.call('GET', '/v1/verify', {
      token: null,
      headers: { 'ssl-client-cert': pem },
    });
    assert.equal(verdict.status, status, verdict.body.toString());
    assert.match(verdict.body.toString(), reason);
  }
  const ocsp = (name: string): string =>
    ca.run(
      'ocsp',
      '-issuer',
      'ca.crt',
      '-cert',
      `${name}.crt`,
      '-CAfile',
      'ca.crt',
      '-url',
      `${service.url}/ocsp/internal-ca`,
    );
  assert.match(ocsp('stolen'), /stolen\.crt: revoked[\s\S]*Reason: keyCompromise/);
  assert.match(ocsp('good'), /good\.crt: unknown/);
  await service.restart();
  assertVerdicts(ca, await currentCrl(service));
});

test('a file that cannot be read, or is not of its kind, stops the start with one line, and nothing is published', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  const ca = createOpensslCa(t);
  ca.issue('good');
  ca.publishCrl();
  const stranger = createOpensslCa(t);
  stranger.publishCrl();
  writeFileSync(ca.path('nonsense'), 'nonsense\n');
  const wrong: [Record<string, string>, RegExp][] = [
    [{ CA_IMPORT_INDEX_FILE: ca.path('gone') }, /CA_IMPORT_INDEX_FILE \S+ cannot be read: ENOENT/],
    [{ CA_IMPORT_INDEX_FILE: ca.path('nonsense') }, /CA_IMPORT_INDEX_FILE \S+ cannot be imported: No line/],
    [
      { CA_IMPORT_CRL_FILE: ca.path('nonsense') },
      /CA_IMPORT_CRL_FILE \S+ cannot be imported: It holds no CRL/,
    ],
    [
      { CA_IMPORT_CRL_FILE: stranger.path('crl.pem') },
      /CA_IMPORT_CRL_FILE \S+ cannot be imported: The CRL is not signed/,
    ],
    [
      { CA_IMPORT_CERTIFICATES: ca.path('index.txt') },
      /CA_IMPORT_CERTIFICATES \S+ cannot be imported: .* no certificate/,
    ],
    [{ CA_IMPORT_CERTIFICATES: ca.path('nowhere') }, /CA_IMPORT_CERTIFICATES \S+ cannot be read: ENOENT/],
  ];
  const dataDirectory = await temporaryDataDirectory();
  const base = { HOST: '127.0.0.1', PORT: '0', KUBERNETES: 'off', DATA_DIR: dataDirectory };
  for (const [setting, line] of wrong) {
    const { code, stderr } = await (await spawnService({ ...base, ...keyFiles(ca), ...setting })).ended;
    assert.equal(code, 1);
    assert.match(stderr, line);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  }
  assert.ok(!readdirSync(dataDirectory).includes('published'));
  const options: TestServiceOptions = { dataDirectory, env: importFiles(ca) };
  const service = await startTestService(t, options);
  assert.equal(verifyAgainst(ca, await currentCrl(service), 'good'), 'OK');
});
