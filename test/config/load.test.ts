import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { refusalOf, temporaryFile } from './support.ts';

test('an empty environment gives the documented defaults', () => {
  const config = loadConfig({});
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.port, 8080);
  assert.equal(config.dataDirectory, resolve('data'));
  assert.equal(config.databaseUrl, undefined);
  assert.equal(config.adminToken, undefined);
  assert.equal(config.kubernetes.mode, 'auto');
  assert.equal(config.authority.keyType, 'ec-p256');
  assert.deepEqual(config.crl, {
    validitySeconds: 604_800,
    overlapSeconds: 302_400,
    backdateSeconds: 600,
    coalesceSeconds: 2,
    clockToleranceSeconds: 300,
    delta: 'off',
  });
  assert.deepEqual(config.enforcement.namespaces, ['*']);
});

test('the overlap and the back-dating follow a short validity', () => {
  const { crl } = loadConfig({ CRL_VALIDITY: 'PT20S' });
  assert.equal(crl.overlapSeconds, 10);
  assert.equal(crl.backdateSeconds, 2);
});

test('an empty variable counts as unset', () => {
  assert.equal(loadConfig({ PORT: '', DATABASE_URL: ' ', CONFIG_FILE: '' }).port, 8080);
});

test('the environment gives every kind of value', () => {
  const config = loadConfig({
    HOST: '::1',
    PORT: '0',
    DATA_DIR: '/var/lib/ca',
    PUBLIC_URL: 'http://ca.example.com/pki/',
    CRL_VALIDITY: 'P2D',
    CRL_OVERLAP: '3600',
    ENFORCEMENT_NAMESPACES: ' shop , billing,',
    LOG_LEVEL: 'debug',
  });
  assert.equal(config.host, '::1');
  assert.equal(config.port, 0);
  assert.equal(config.dataDirectory, '/var/lib/ca');
  assert.equal(config.publicUrl, 'http://ca.example.com/pki');
  assert.equal(config.crl.validitySeconds, 172_800);
  assert.equal(config.crl.overlapSeconds, 3_600);
  assert.deepEqual(config.enforcement.namespaces, ['shop', 'billing']);
  assert.equal(config.log.level, 'debug');
});

test('YAML gives the same values, and the environment wins', (t) => {
  const yaml = [
    'port: 9000',
    'host: 0.0.0.0',
    'crl:',
    '  validity: P2D',
    '  coalesce: 1.5',
    'publication:',
    '  command: nginx -s reload',
    'enforcement:',
    '  namespaces: [shop, billing]',
    'log:',
  ];
  const config = loadConfig({ CONFIG_FILE: temporaryFile(t, yaml.join('\n')), PORT: '9001' });
  assert.equal(config.port, 9001);
  assert.equal(config.host, '0.0.0.0');
  assert.equal(config.crl.validitySeconds, 172_800);
  assert.equal(config.crl.coalesceSeconds, 1.5);
  assert.equal(config.publication.command, 'nginx -s reload');
  assert.deepEqual(config.enforcement.namespaces, ['shop', 'billing']);
});

test('an empty configuration file is no configuration', (t) => {
  assert.equal(loadConfig({ CONFIG_FILE: temporaryFile(t, '# nothing yet\n') }).port, 8080);
});

test('an unknown key of the file is refused with the key that was meant', (t) => {
  const file = temporaryFile(t, 'crl:\n  overlp: P1D\n');
  assert.equal(
    refusalOf(() => loadConfig({ CONFIG_FILE: file })),
    `crl.overlp: is not a known key in ${file}; did you mean crl.overlap?`,
  );
  const other = temporaryFile(t, 'something: 1\n');
  assert.equal(
    refusalOf(() => loadConfig({ CONFIG_FILE: other })),
    `something: is not a known key in ${other}`,
  );
});

test('a file that is not a mapping, not YAML or not there is refused', (t) => {
  assert.match(
    refusalOf(() => loadConfig({ CONFIG_FILE: temporaryFile(t, '- a\n- b\n') })),
    /^CONFIG_FILE: must be a mapping/,
  );
  assert.match(
    refusalOf(() => loadConfig({ CONFIG_FILE: temporaryFile(t, 'crl: P1D\n') })),
    /^crl: must be a mapping/,
  );
  assert.match(
    refusalOf(() => loadConfig({ CONFIG_FILE: temporaryFile(t, 'adminToken: "s3cret\n') })),
    /^CONFIG_FILE: .* is not valid YAML$/,
  );
  assert.match(
    refusalOf(() => loadConfig({ CONFIG_FILE: '/nonexistent/ca.yaml' })),
    /^CONFIG_FILE: .* cannot be read \(ENOENT\)$/,
  );
});

test('a misspelled variable is refused, a stranger is not', () => {
  assert.equal(
    refusalOf(() => loadConfig({ DATABSE_URL: 'x' })),
    'DATABSE_URL: is not a known variable; did you mean DATABASE_URL?',
  );
  assert.equal(
    refusalOf(() =>
      loadConfig({ HOSTNAME: 'a', HOME: '/', KUBERNETES_PORT: 'tcp://10.0.0.1:443', POST: '1' }),
    ),
    'accepted',
  );
});

const refusals: readonly (readonly [string, NodeJS.ProcessEnv, RegExp])[] = [
  ['a port out of range', { PORT: '65536' }, /^PORT: must be <= 65535, not 65536$/],
  ['a port that is no number', { PORT: '80a' }, /^PORT: must be an integer, not "80a"$/],
  ['a word that is no choice', { LOG_LEVEL: 'loud' }, /^LOG_LEVEL: must be one of fatal, .*, not "loud"$/],
  ['a duration that is none', { CRL_VALIDITY: '7 days' }, /^CRL_VALIDITY: must be an ISO 8601 duration/],
  ['a public URL that is relative', { PUBLIC_URL: 'ca.example.com' }, /^PUBLIC_URL: must be an absolute/],
  ['a public URL of another scheme', { PUBLIC_URL: 'ldap://ca.example' }, /^PUBLIC_URL: must be an absolute/],
  [
    'a public URL with a query',
    { PUBLIC_URL: 'http://ca.example/?a=1' },
    /^PUBLIC_URL: must be a URL without/,
  ],
  [
    'a namespace that cannot be',
    { PUBLICATION_NAMESPACES: 'ok,Not_ok' },
    /^PUBLICATION_NAMESPACES: .*"Not_ok"/,
  ],
  ['a namespace twice', { ENFORCEMENT_NAMESPACES: 'a,a' }, /^ENFORCEMENT_NAMESPACES: /],
  ['a back-dating beyond a day', { ISSUANCE_BACKDATE: 'P2D' }, /^ISSUANCE_BACKDATE: must be <= 86400/],
];
for (const [what, env, message] of refusals) {
  test(`refused in one line: ${what}`, () => {
    const refusal = refusalOf(() => loadConfig(env));
    assert.match(refusal, message);
    assert.doesNotMatch(refusal, /\n/);
  });
}
