import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { loadServiceAccountGrants } from '../../src/access/service-account-grants.ts';
import { ConfigError } from '../../src/config/config.ts';
import { temporaryFile } from '../config/support.ts';

const profiles = ['client', 'device'];

const load = (t: TestContext, text: string) =>
  loadServiceAccountGrants(temporaryFile(t, text, 'grants.yaml'), profiles);

const robot = { username: 'system:serviceaccount:shop:robot', groups: [] };
const groupsOfShop = ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'];

test('an account has the grants of its name and of its groups, and nobody else has them', async (t) => {
  const grants = await load(
    t,
    `grants:
  - { subject: 'system:serviceaccount:shop:robot', role: issuer, profiles: [client] }
  - { subject: 'system:serviceaccount:shop:robot', role: revoker }
  - { group: 'system:serviceaccounts:shop', role: enforcer, namespaces: [shop] }
  - { group: 'system:serviceaccounts', role: reader }
`,
  );
  const own = [{ role: 'issuer', profiles: ['client'] }, { role: 'revoker' }];
  assert.deepEqual(grants.of(robot), own);
  assert.deepEqual(grants.of({ ...robot, groups: groupsOfShop }), [
    ...own,
    { role: 'reader' },
    { role: 'enforcer', namespaces: ['shop'] },
  ]);
  for (const username of [
    'system:serviceaccount:shop:robot2',
    'system:serviceaccount:shop',
    'robot',
    '',
    // The name of a group is no name of a user.
    'constructor',
    '__proto__',
  ])
    assert.deepEqual(grants.of({ username, groups: ['system:serviceaccounts:sho'] }), [], username);
});

test('a group named twice by the API server counts once', async (t) => {
  const grants = await load(t, "grants: [{ group: 'system:serviceaccounts', role: reader }]");
  const groups = ['system:serviceaccounts', 'system:serviceaccounts'];
  assert.deepEqual(grants.of({ ...robot, groups }), [{ role: 'reader' }]);
});

const subject = "subject: 'system:serviceaccount:shop:robot'";
const refused: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ['no YAML', 'grants: [', /is not YAML: /],
  ['nothing', '', /the document must be object/],
  ['no grants', 'grants: []', /grants must not have fewer than 1 items/],
  [
    'an unknown key',
    `grants: [{ ${subject}, role: reader }]\nroles: []`,
    /roles is not a key that is known$/,
  ],
  [
    'an unknown key of an entry',
    `grants: [{ ${subject}, role: issuer, profile: client }]`,
    /grants\.0\.profile is not a key that is known$/,
  ],
  [
    'an unknown role',
    `grants: [{ ${subject}, role: owner }]`,
    /grants\.0\.role must be one of admin, issuer, revoker, enforcer, reader$/,
  ],
  [
    'an unknown profile',
    `grants: [{ ${subject}, role: issuer, profiles: [client, klient] }]`,
    /grants\.0\.profiles: there is no profile klient; there are client, device$/,
  ],
  [
    'an issuer without profiles',
    `grants: [{ ${subject}, role: issuer }]`,
    /grants\.0\.profiles: The role issuer needs profiles; /,
  ],
  [
    'a reader with namespaces',
    `grants: [{ ${subject}, role: reader, namespaces: [shop] }]`,
    /grants\.0\.namespaces: Only the role enforcer has namespaces\.$/,
  ],
  ['nobody', 'grants: [{ role: reader }]', /grants\.0 needs either subject or group$/],
  [
    'two at once',
    `grants: [{ ${subject}, group: 'system:serviceaccounts', role: reader }]`,
    /grants\.0 needs either subject or group$/,
  ],
  [
    'a user who is no service account',
    "grants: [{ subject: 'alice', role: reader }]",
    /grants\.0\.subject must have the form system:serviceaccount:<namespace>:<name>$/,
  ],
  [
    'everybody whom the API server knows',
    "grants: [{ group: 'system:authenticated', role: reader }]",
    /grants\.0\.group must be system:serviceaccounts or system:serviceaccounts:<namespace>$/,
  ],
  [
    'a namespace that cannot be',
    `grants: [{ ${subject}, role: enforcer, namespaces: [Shop] }]`,
    /grants\.0\.namespaces\.0 must be the name of a namespace, or "\*"$/,
  ],
];
for (const [what, text, message] of refused) {
  test(`refused in one line: ${what}`, async (t) => {
    await assert.rejects(load(t, text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /^ACCESS_SERVICE_ACCOUNT_GRANTS_FILE: \/[^ ]+grants\.yaml: /);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  });
}

test('a file that is not there is one line, too', async () => {
  await assert.rejects(loadServiceAccountGrants('/nowhere/grants.yaml', profiles), {
    message: 'ACCESS_SERVICE_ACCOUNT_GRANTS_FILE: /nowhere/grants.yaml: cannot be read',
  });
});

test('every profile, and every namespace, by a star', async (t) => {
  const grants = await load(
    t,
    `grants:
  - { ${subject}, role: issuer, profiles: ['*'] }
  - { ${subject}, role: enforcer, namespaces: ['*'] }
`,
  );
  assert.deepEqual(grants.of(robot), [
    { role: 'issuer', profiles: ['*'] },
    { role: 'enforcer', namespaces: ['*'] },
  ]);
});
