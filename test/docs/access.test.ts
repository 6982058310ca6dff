import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadServiceAccountGrants } from '../../src/access/service-account-grants.ts';
import { temporaryFile } from '../config/support.ts';
import { readDocument } from './documents.ts';

/** docs/access.md shows a file that the program takes, and names every key of it. */

const guide = readDocument('docs/access.md');
const [, example = ''] = /```yaml\n(grants:\n[\s\S]*?)```/.exec(guide) ?? [];

test('the example of the guide is taken, and gives what it says', async (t) => {
  const grants = await loadServiceAccountGrants(temporaryFile(t, example, 'grants.yaml'), [
    'client',
    'device',
  ]);
  const groups = ['system:serviceaccounts', 'system:serviceaccounts:shop'];
  assert.deepEqual(grants.of({ username: 'system:serviceaccount:shop:provisioner', groups }), [
    { role: 'issuer', profiles: ['client', 'device'] },
    { role: 'reader' },
    { role: 'enforcer', namespaces: ['shop'] },
  ]);
});

test('every key of the example is explained', () => {
  const keys = new Set([...example.matchAll(/^ +(?:- )?(\w+):/gm)].map(([, key = '']) => key));
  assert.deepEqual(
    [...keys].filter((key) => !guide.includes(`| \`${key}\` |`)),
    [],
  );
  assert.equal(keys.size, 5);
});
