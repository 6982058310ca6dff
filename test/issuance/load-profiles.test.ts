import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { boundProfiles, loadProfiles, ProfileError } from '../../src/issuance/load-profiles.ts';

const day = 86_400;
const bounds = { authoritySeconds: 3650 * day };

async function file(t: TestContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'profiles-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'profiles.yaml');
  await writeFile(path, text);
  return path;
}

const robot = (line = '') => `
profiles:
  robot:
    description: A robot.
    keys: { ec: [P-256] }
    keyUsage: [digitalSignature]
    extendedKeyUsage: [clientAuth, 1.2.3.4]
    defaultValidity: PT1H
    maxValidity: P1D
    subject: { allowed: [CN], required: [CN] }
    subjectAltName: { kinds: [uri], patterns: { uri: 'spiffe://corp/.*' } }
${line}`;

test('client, device and server come with the service', async () => {
  const profiles = boundProfiles(await loadProfiles(undefined), bounds);
  assert.deepEqual(
    profiles.map(({ name, maxValiditySeconds }) => [name, maxValiditySeconds / day]),
    [
      ['client', 365],
      ['device', 30],
      ['server', 365],
    ],
  );
});

test('a file adds profiles and replaces them by name; patterns are anchored', async (t) => {
  const profiles = boundProfiles(
    await loadProfiles(
      await file(t, `${robot()}${robot().split('profiles:\n')[1]?.replace('robot', 'client') ?? ''}`),
    ),
    bounds,
  );
  assert.deepEqual(
    profiles.map(({ name }) => name),
    ['client', 'device', 'server', 'robot'],
  );
  const [client] = profiles;
  assert.equal(client?.description, 'A robot.');
  assert.deepEqual(client?.extendedKeyUsage, ['1.3.6.1.5.5.7.3.2', '1.2.3.4']);
  const pattern = client?.subjectAltName.patterns.uri;
  assert.equal(pattern?.test('spiffe://corp/x'), true);
  assert.equal(pattern?.test('x-spiffe://corp/x'), false);
});

for (const pattern of ['(?=a)b', '(a)\\1', '(']) {
  test(`the pattern ${pattern} is none that takes linear time and stops the start`, async (t) => {
    const text = robot().replace('spiffe://corp/.*', pattern);
    await assert.rejects(loadProfiles(await file(t, text)), {
      name: 'ProfileError',
      message: /profiles\.robot\.subjectAltName\.patterns\.uri is no regular expression of RE2/,
    });
  });
}

test('ISSUANCE_MAX_VALIDITY cuts every profile down, and a short CA the built-in ones', async () => {
  const loaded = await loadProfiles(undefined);
  for (const shorter of [
    { ...bounds, maxSeconds: day },
    { authoritySeconds: day, maxSeconds: 20 * day },
  ]) {
    const [client] = boundProfiles(loaded, shorter);
    assert.deepEqual([client?.defaultValiditySeconds, client?.maxValiditySeconds], [day, day]);
  }
});

test('a profile of the operator that outlives the CA stops the start', async (t) => {
  const loaded = await loadProfiles(await file(t, robot().replace('P1D', 'P10D')));
  assert.throws(() => boundProfiles(loaded, { authoritySeconds: 5 * day }), {
    name: 'ProfileError',
    message: 'PROFILES_FILE: profiles.robot.maxValidity is longer than the CA is valid (P5D)',
  });
  assert.doesNotThrow(() => boundProfiles(loaded, { authoritySeconds: 5 * day, maxSeconds: day }));
});

test('a mistake stops the start with one line that names the key', async (t) => {
  const mistakes: [string, RegExp][] = [
    [robot().replace('maxValidity', 'maxValidty'), /profiles\.robot\.maxValidty is not a key that is known/],
    [robot('    colour: red'), /profiles\.robot\.colour is not a key that is known/],
    [robot().replace('PT1H', 'P2D'), /profiles\.robot\.defaultValidity is longer than maxValidity/],
    [robot().replace('PT1H', 'soon'), /profiles\.robot\.defaultValidity must be a duration/],
    [
      robot().replace('1.2.3.4', '1.3.6.1.5.5.7.3.9'),
      /profiles\.robot\.extendedKeyUsage names OCSPSigning: its holder could vouch/,
    ],
    [robot().replace('clientAuth', 'clientAut'), /profiles\.robot\.extendedKeyUsage names clientAut/],
    [
      robot().replace("'spiffe://corp/.*'", "'('"),
      /profiles\.robot\.subjectAltName\.patterns\.uri is no regular expression/,
    ],
    [robot().replace('digitalSignature', 'keyCertSign'), /profiles\.robot\.keyUsage/],
    [robot().replace('allowed: [CN]', 'allowed: [CM]'), /profiles\.robot\.subject names CM/],
    [robot().replace('robot:', 'Robot!:'), /profiles/],
    ['profiles: [', /is not YAML/],
  ];
  for (const [text, why] of mistakes) {
    await assert.rejects(loadProfiles(await file(t, text)), (error) => {
      assert.ok(error instanceof ProfileError, String(error));
      assert.match(error.message, why);
      assert.ok(!error.message.includes('\n'));
      return true;
    });
  }
  await assert.rejects(
    loadProfiles('/nonexistent/p.yaml'),
    /PROFILES_FILE \/nonexistent\/p.yaml cannot be read/,
  );
});

test('the name of certificates that were issued elsewhere is taken', async (t) => {
  const path = await file(t, robot().replace('  robot:', '  imported:'));
  await assert.rejects(loadProfiles(path), {
    name: 'ProfileError',
    message: /profiles\.imported has the name of/,
  });
});
