import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { membersOf } from '../../src/members-of.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { createTestClock } from '../support/clock.ts';
import { startTestService, type TestService } from '../support/service.ts';

/** CSRs as tools of the field write them, through the HTTP API; the right answers are those of README.md. */

const profiles = `
profiles:
  router:
    description: A router that enrols by itself.
    keys: { rsa: { minBits: 2048, maxBits: 4096 } }
    keyUsage: [digitalSignature, keyEncipherment]
    extendedKeyUsage: [clientAuth]
    defaultValidity: P90D
    maxValidity: P365D
    subject: { allowed: [CN, serialNumber, 1.2.840.113549.1.9.2] }
    subjectAltName: { kinds: [dns] }
`;

const file = (name: string): Promise<Buffer> => readFile(new URL(`inputs/${name}`, import.meta.url));

async function send(service: TestService, name: string, options: { profile?: string; key?: string } = {}) {
  const { profile = 'client', key } = options;
  const body = { csr: (await file(name)).toString('latin1'), profile };
  const headers = { ...(key === undefined ? {} : { 'idempotency-key': key }) };
  return service.call('POST', '/v1/certificates', { body, headers });
}

test('CSRs of the field', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-field-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const profilesFile = join(directory, 'profiles.yaml');
  await writeFile(profilesFile, profiles);
  const service = await startTestService(t, {
    inProcess: true,
    clock: createTestClock(Date.UTC(2026, 11, 1)),
    env: { PROFILES_FILE: profilesFile },
  });

  for (const [name, profile, notHonoured, keyUsage] of [
    ['02a-cisco-ios.csr', 'router', ['challengePassword'], ['digitalSignature', 'keyEncipherment']],
    ['02d-openssl-challenge.csr', 'client', ['challengePassword'], ['digitalSignature']],
    ['07a-certmanager-ec.csr', 'client', ['keyEncipherment'], ['digitalSignature']],
    ['07d-openssl-v3_req-ec.csr', 'client', ['nonRepudiation', 'keyEncipherment'], ['digitalSignature']],
  ] as const) {
    await t.test(`${name} is issued, and what is left out is named`, async () => {
      const first = await send(service, name, { profile, key: name });
      assert.equal(first.status, 201, first.body.toString());
      const { certificate, notHonoured: named } = membersOf(first.json());
      assert.deepEqual(named, notHonoured);
      assert.equal(first.headers.get('not-honoured'), notHonoured.join(', '));
      const der = Buffer.from(String(certificate).replace(/-----.*-----|\s/g, ''), 'base64');
      assert.deepEqual(readCertificate(der).keyUsage, keyUsage);
      assert.doesNotMatch(first.body.toString(), /s3cret/);
      const again = await send(service, name, { profile, key: name });
      assert.deepEqual(again.json(), first.json());
    });
  }

  await t.test('a usage that the profile has not is refused with those that it has', async () => {
    const refused = await send(service, '02a-cisco-ios.csr', { profile: 'client' });
    assert.equal(refused.status, 400);
    assert.match(String(membersOf(refused.json()).field), /^csr\./);
  });
});
