import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { createAuthorityRegistry } from '../../src/authority/authority.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import { Fault } from '../../src/fault.ts';
import { createIssuanceService } from '../../src/issuance/issuance-service.ts';
import { boundProfiles, loadProfiles } from '../../src/issuance/load-profiles.ts';
import { createTemplateSource } from '../../src/issuance/templates.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { makeAuthority } from '../support/authority.ts';
import { createTestClock } from '../support/clock.ts';
import { type CsrKeyType, makeCsr } from '../support/csr.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { costlyCsrs } from './costly-csrs.ts';
import { arbitraryInput, editedBytes, type RealCsr, resigned } from './csr-mutations.ts';

/** The same inputs in every run; another seed looks elsewhere. */
const seed = Number(process.env.FUZZ_SEED ?? 20_261_123);
const longestStallMs = 100;
const keyTypes: readonly CsrKeyType[] = ['ec-p256', 'ec-p384', 'ec-p521', 'rsa-2048', 'rsa-3072', 'ed25519'];

const clock = createTestClock();
const authority = await makeAuthority(clock.now());
const authorityKey = new X509Certificate(authority.certificate.der).publicKey;
const profiles = boundProfiles(await loadProfiles(undefined), { authoritySeconds: 10 * 365 * 86_400 });
const issuance = createIssuanceService({
  authorities: createAuthorityRegistry([authority]),
  certificates: { insert: async () => 'inserted', findByIdempotencyKey: async () => undefined },
  profiles,
  templates: createTemplateSource(undefined),
  clock,
  backdateSeconds: 60,
});

let real: readonly RealCsr[] = [];
before(async () => {
  real = await Promise.all(
    keyTypes.map((keyType) =>
      makeCsr({
        keyType,
        subject: 'C=DE, O=Example, OU=Tests+CN=client 1',
        sans: [
          { type: 'dns', value: 'client-1.example' },
          { type: 'ip', value: '10.1.2.3' },
          { type: 'email', value: 'client@example.com' },
          { type: 'url', value: 'spiffe://example/client' },
        ],
      }),
    ),
  );
});

/** How often each end was met: `issued`, or the fault's code. */
type Tally = Map<string, number>;

/** Asks for a certificate as the HTTP layer does; anything but a certificate or a 4xx is thrown. */
async function submit(csr: Buffer, profile: string, tally: Tally): Promise<void> {
  const began = process.threadCpuUsage();
  const outcome = await outcomeOf(csr, profile);
  const { user, system } = process.threadCpuUsage(began);
  tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
  // Requests go one by one, so this is the main thread's own work for this one, whatever else the machine does.
  const milliseconds = (user + system) / 1000;
  assert.ok(milliseconds < longestStallMs, `${milliseconds} ms for ${outcome}: ${csr.toString('base64')}`);
}

async function outcomeOf(csr: Buffer, profile: string): Promise<string> {
  try {
    const { certificatePem } = await issuance.issue({ csr, profile, requester: 'token:fuzz' });
    // What is issued is a certificate for us and for OpenSSL, and signed by the CA.
    const certificate = new X509Certificate(certificatePem);
    assert.equal(readCertificate(certificate.raw).basicConstraints?.ca ?? false, false);
    assert.ok(certificate.verify(authorityKey));
    return 'issued';
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    assert.ok(error.status >= 400 && error.status < 500, `${error.status} ${error.message}`);
    return error.code;
  }
}

async function check(input: fc.Arbitrary<Buffer>, numRuns: number): Promise<Tally> {
  const tally: Tally = new Map();
  const profile = fc.constantFrom('client', 'device', 'server');
  await fc.assert(
    fc.asyncProperty(input, profile, (csr, name) => submit(csr, name, tally)),
    { numRuns, seed },
  );
  return tally;
}

function report(t: TestContext, tally: Tally): void {
  t.diagnostic([...tally].map(([outcome, count]) => `${outcome} ${count}`).join(', '));
}

test('20,000 inputs that are no CSR are refused', async (t) => {
  const tally = await check(arbitraryInput(), 20_000);
  report(t, tally);
  assert.deepEqual([...tally.keys()], ['csr-malformed']);
});

test('45,000 real CSRs with octets changed are refused, or were changed where it does not matter', async (t) => {
  const ders = real.map(({ der }) => der);
  const pems = ders.map((der) => Buffer.from(encodePem('CERTIFICATE REQUEST', der)));
  const tally = await check(editedBytes([...ders, ...pems]), 45_000);
  report(t, tally);
  for (const code of ['issued', 'csr-malformed', 'csr-signature-invalid', 'key-malformed', 'key-weak'])
    assert.ok(tally.has(code), code);
});

test('35,000 real CSRs with elements changed and signed again are judged', async (t) => {
  const cheapToSign = real.filter((_, index) => ['ec-p256', 'ed25519'].includes(keyTypes[index] ?? ''));
  const tally = await check(resigned(cheapToSign), 35_000);
  report(t, tally);
  for (const code of [
    'issued',
    'csr-malformed',
    'san-not-allowed',
    'subject-not-allowed',
    'extension-not-allowed',
  ])
    assert.ok(tally.has(code), code);
});

test('CSRs made to cost as much as they can', async () => {
  for (const [what, csr] of costlyCsrs()) {
    assert.ok(csr.length <= 32 * 1024, `${what}: ${csr.length}`);
    for (const profile of ['client', 'server']) {
      const tally: Tally = new Map();
      await submit(csr, profile, tally).catch((error: unknown) => {
        throw new Error(what, { cause: error });
      });
      assert.ok(!tally.has('issued'), what);
    }
  }
});

test('over HTTP: a 4xx that names the fault, no 5xx, no stall', async (t) => {
  const { url } = await createTestDatabase(t);
  const stalls = join(tmpdir(), `ica-stalls-${process.pid}`);
  t.after(() => rm(stalls, { force: true }));
  const service = await startTestService(t, {
    databaseUrl: url,
    nodeArguments: ['--import', join(import.meta.dirname, '../support/stall-watch.ts')],
    env: { STALL_REPORT: stalls },
  });
  const { pid } = service;
  const inputs = [
    ...costlyCsrs().map(([, csr]) => csr),
    ...sample(arbitraryInput(), 500),
    ...sample(editedBytes(real.map(({ der }) => der)), 500),
    ...sample(editedBytes(real.map(({ der }) => Buffer.from(encodePem('CERTIFICATE REQUEST', der)))), 500),
    ...sample(resigned(real), 500),
    Buffer.alloc(0),
    Buffer.alloc(33 * 1024, 0x30),
    Buffer.alloc(200 * 1024, 0x41),
  ];
  for (const { der } of real) assert.equal(await post(service, der), 201);
  await longestStall(service, stalls);
  const queue = inputs.values();
  const client = async (): Promise<void> => {
    for (const csr of queue) {
      const status = await post(service, csr);
      assert.ok(status === 201 || (status >= 400 && status < 500), `${status}: ${csr.toString('base64')}`);
    }
  };
  await Promise.all([client(), client(), client(), client()]);
  const stall = await longestStall(service, stalls);
  t.diagnostic(`longest stall ${stall.toFixed(1)} ms`);
  assert.ok(stall < longestStallMs, `the event loop stood still for ${stall} ms`);
  assert.equal((await service.call('GET', '/readyz', { token: null })).status, 200);
  assert.equal(service.pid, pid);
});

function sample(input: fc.Arbitrary<Buffer>, numRuns: number): Buffer[] {
  return fc.sample(input, { numRuns, seed });
}

async function post(service: TestService, csr: Buffer): Promise<number> {
  const answer = await service.call('POST', '/v1/certificates', {
    body: csr,
    headers: { 'Content-Type': 'application/pkcs10' },
  });
  if (answer.status === 201) return 201;
  assert.match(answer.headers.get('content-type') ?? '', /application\/problem\+json/);
  assert.match(answer.text('type'), /^urn:internal-ca:problem:[a-z0-9-]+$/);
  return answer.status;
}

/** Since the last call. */
async function longestStall({ pid }: TestService, file: string): Promise<number> {
  await rm(file, { force: true });
  assert.ok(pid !== undefined);
  process.kill(pid, 'SIGUSR2');
  return eventually(async () => {
    const text = await readFile(file, 'utf8');
    assert.notEqual(text, '');
    return Number(text);
  });
}
