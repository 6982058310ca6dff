import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { readCrl } from '../../src/x509/crl.ts';
import { markedCommands } from '../docs/documents.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';

/** docs/revoking.md at the real service, with openssl and curl as it says. */

const run = promisify(execFile);

const commandsFor = (word: string): string => markedCommands('docs/revoking.md', word).commands;

/** With an Ed25519 key another line signs. */
function proofCommands(algorithm: string): string {
  const commands = commandsFor('ec');
  if (algorithm !== 'ed25519') return commands;
  const signing = /^openssl dgst .*$/m;
  assert.match(commands, signing);
  return commands.replace(signing, commandsFor('ed25519').trim());
}

interface Bench {
  readonly service: TestService;
  readonly directory: string;
  /** A key and a CSR by openssl, in `key.pem` and `cert.pem`. @returns the serial */
  enrol(...algorithm: readonly string[]): Promise<string>;
  /** The serials on the CRL that is served now. */
  listed(): Promise<string[]>;
  reasonOf(serial: string): Promise<unknown>;
}

async function setUp(t: TestContext): Promise<Bench> {
  const { url } = await createTestDatabase(t);
  const service = await startTestService(t, { inProcess: true, databaseUrl: url });
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-'));
  t.after(() => rm(directory, { recursive: true }));
  return {
    service,
    directory,
    async enrol(...algorithm) {
      const request = [
        'req',
        '-new',
        ...algorithm,
        '-nodes',
        '-keyout',
        'key.pem',
        '-subj',
        '/CN=device',
        '-out',
        'csr.pem',
      ];
      await run('openssl', request, { cwd: directory });
      const csr = await readFile(join(directory, 'csr.pem'), 'utf8');
      const answer = await service.call('POST', '/v1/certificates', { body: { csr } });
      assert.equal(answer.status, 201, answer.body.toString());
      await writeFile(join(directory, 'cert.pem'), answer.text('certificate'));
      return answer.text('serial');
    },
    async listed() {
      const { body } = await service.call('GET', '/crl/internal-ca.crl', { token: null });
      return [...readCrl(body).entries()].map(({ serial }) => serial);
    },
    async reasonOf(serial) {
      const answer = await service.call('GET', `/v1/certificates/${serial}`);
      return Reflect.get(Object(Reflect.get(Object(answer.json()), 'revocation')), 'reason');
    },
  };
}

async function onlyListed(bench: Bench, ...serials: readonly string[]): Promise<void> {
  await eventually(async () => assert.deepEqual((await bench.listed()).toSorted(), serials.toSorted()));
}

const algorithms: Readonly<Record<string, readonly string[]>> = {
  'RSA 2048': ['-newkey', 'rsa:2048'],
  'P-256': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'P-521': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  ed25519: ['-newkey', 'ed25519'],
};

test('whoever has the key has its certificates revoked, by the commands of the guide', async (t) => {
  if (skipUnless(t, 'openssl') || skipUnless(t, 'curl')) return;
  const bench = await setUp(t);
  const serials: string[] = [];
  for (const [name, algorithm] of Object.entries(algorithms)) {
    const serial = await bench.enrol(...algorithm);
    serials.push(serial);
    const env = { ...process.env, CA: bench.service.url };
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', proofCommands(name)], {
      cwd: bench.directory,
      env,
    });
    const answer: Record<string, unknown> = JSON.parse(stdout);
    assert.deepEqual(
      [answer.serial, answer.reason, answer.siblings],
      [serial, 'keyCompromise', undefined],
      name,
    );
    assert.equal(await bench.reasonOf(serial), 'keyCompromise');
    // The key is blocked, so the same CSR is refused from now on.
    const csr = await readFile(join(bench.directory, 'csr.pem'), 'utf8');
    const again = await bench.service.call('POST', '/v1/certificates', { body: { csr } });
    assert.equal(again.text('type'), 'urn:internal-ca:problem:key-blocked');
  }
  await onlyListed(bench, ...serials);
  const record = await bench.service.call('GET', `/v1/certificates/${serials[0]}`);
  assert.equal(record.text('revocation', 'requester'), `certificate:${serials[0]}`);
});

test('a proof for one certificate is none for another of the same key, nor for another reason', async (t) => {
  if (skipUnless(t, 'openssl') || skipUnless(t, 'curl')) return;
  const bench = await setUp(t);
  const serial = await bench.enrol(...(algorithms['P-256'] ?? []));
  const csr = await readFile(join(bench.directory, 'csr.pem'), 'utf8');
  const other = (await bench.service.call('POST', '/v1/certificates', { body: { csr } })).text('serial');
  const script = proofCommands('ec').replace(/^curl[\s\S]*$/m, 'openssl base64 -A -in signature');
  const { stdout: signature } = await run('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: bench.directory,
  });
  const prove = (of: string, reason: string) =>
    bench.service.call('POST', `/v1/certificates/${of}/revoke-by-key`, {
      token: null,
      body: { reason, signature },
    });
  for (const refused of [await prove(other, 'keyCompromise'), await prove(serial, 'superseded')])
    assert.equal(refused.text('type'), 'urn:internal-ca:problem:proof-invalid');
  assert.equal(await bench.reasonOf(serial), undefined);
  const done = await prove(serial, 'keyCompromise');
  assert.equal(done.status, 200);
  assert.equal(done.text('siblings', 'serials', '0'), other);
  assert.equal(await bench.reasonOf(other), 'keyCompromise');
  await onlyListed(bench, serial, other);
});

test('a hold is on the CRL, and off it after the release; many that match go together', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  const bench = await setUp(t);
  const { service } = bench;
  const serials: string[] = [];
  for (let n = 0; n < 3; n++) serials.push(await bench.enrol(...(algorithms['P-256'] ?? [])));
  const [held = ''] = serials;
  await service.call('POST', `/v1/certificates/${held}/revoke`, { body: { reason: 'certificateHold' } });
  await onlyListed(bench, held);
  assert.equal((await service.call('POST', `/v1/certificates/${held}/release`)).status, 200);
  await onlyListed(bench);

  const body = { filter: { subject: 'CN=device' }, reason: 'cessationOfOperation', dryRun: true };
  const planned = await service.call('POST', '/v1/revocations', { body });
  assert.deepEqual(Reflect.get(Object(planned.json()), 'matched'), 3);
  await onlyListed(bench);
  const done = await service.call('POST', '/v1/revocations', {
    body: { ...body, dryRun: false, expectedCount: 3 },
  });
  assert.equal(done.status, 200, done.body.toString());
  await onlyListed(bench, ...serials);
  const { body: metrics } = await service.call('GET', '/metrics');
  assert.match(
    metrics.toString(),
    /^internal_ca_certificates_revoked_total\{reason="cessationOfOperation"\} 3$/m,
  );
  assert.match(metrics.toString(), /^internal_ca_holds_released_total 1$/m);
});
