import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { refusalOf, temporaryFile } from './support.ts';

const token = 'correct-horse-battery-staple-0123456789';

test('a secret comes from a file, without the line end', (t) => {
  const file = temporaryFile(t, `${token}\n`, 'token');
  assert.equal(loadConfig({ ADMIN_TOKEN_FILE: file }).adminToken, token);
  const yaml = temporaryFile(t, `adminTokenFile: ${file}\n`);
  assert.equal(loadConfig({ CONFIG_FILE: yaml }).adminToken, token);
  assert.equal(loadConfig({ CONFIG_FILE: yaml, ADMIN_TOKEN: `${token}-2` }).adminToken, `${token}-2`);
});

test('a secret given twice is refused', (t) => {
  const file = temporaryFile(t, token, 'token');
  assert.equal(
    refusalOf(() => loadConfig({ ADMIN_TOKEN: token, ADMIN_TOKEN_FILE: file })),
    'ADMIN_TOKEN_FILE: is set together with ADMIN_TOKEN; keep one of them',
  );
  const yaml = temporaryFile(t, `adminToken: ${token}\nadminTokenFile: ${file}\n`);
  assert.equal(
    refusalOf(() => loadConfig({ CONFIG_FILE: yaml })),
    'adminTokenFile: is set together with adminToken; keep one of them',
  );
});

test('an empty or absent file is refused under its own name', (t) => {
  const empty = temporaryFile(t, '\n', 'token');
  assert.equal(
    refusalOf(() => loadConfig({ ADMIN_TOKEN_FILE: empty })),
    `ADMIN_TOKEN_FILE: ${empty} is empty`,
  );
  assert.match(
    refusalOf(() => loadConfig({ DATABASE_URL_FILE: '/nonexistent' })),
    /^DATABASE_URL_FILE: \/nonexistent cannot be read \(ENOENT\)$/,
  );
});

test('a refused secret is never shown', (t) => {
  const cases: NodeJS.ProcessEnv[] = [
    { ADMIN_TOKEN: 'hunter2' },
    { ADMIN_TOKEN_FILE: temporaryFile(t, 'hunter2', 'token') },
    { DATABASE_URL: 'mysql://user:hunter2@host/db' },
    { DATABASE_URL: 'hunter2' },
    { WATCHDOG_URLS: 'hunter2' },
    { WATCHDOG_URLS: 'http://u:hunter2@a/x,http://u:hunter2@a/x' },
    { CONFIG_FILE: temporaryFile(t, 'adminToken: [hunter2]\n') },
    { CONFIG_FILE: temporaryFile(t, 'adminToken: "hunter2\n') },
  ];
  for (const env of cases) {
    const refusal = refusalOf(() => loadConfig(env));
    assert.notEqual(refusal, 'accepted');
    assert.doesNotMatch(refusal, /hunter2/);
  }
});

test('an admin token needs 32 characters', () => {
  const refusal = refusalOf(() => loadConfig({ ADMIN_TOKEN: 'x'.repeat(31) }));
  assert.equal(refusal, 'ADMIN_TOKEN: must not have fewer than 32 characters');
  assert.equal(loadConfig({ ADMIN_TOKEN: 'x'.repeat(32) }).adminToken, 'x'.repeat(32));
});
