import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDocument, root } from './documents.ts';

/** docs/enforcing-an-ingress.md explains every reason, warning and state that an answer can have. */

const guide = readDocument('docs/enforcing-an-ingress.md');

/** The codes in the first column of the guide's tables. */
function explained(): Set<string> {
  const cells = [...guide.matchAll(/^\| (`[^|]+`) \|/gm)].map(([, cell = '']) => cell);
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`([A-Za-z-]+)`/g)].map(([, code = '']) => code)));
}

function codesInSource(): Set<string> {
  const files = globSync('src/enforcement/**/*.ts', { cwd: root });
  const source = files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  const codes = source.matchAll(/(?:\bcode: |\bcode = |\brefuse\(|\bwarn\()\s*'([a-z-]+)'/g);
  return new Set([...codes].map(([, code = '']) => code));
}

test('every reason and warning of the source is explained', () => {
  const codes = codesInSource();
  assert.ok(codes.size > 35, `only ${codes.size} codes found`);
  const inText = (code: string) => guide.includes(`\`${code}\``);
  assert.deepEqual(
    [...codes].filter((code) => !explained().has(code) && !inText(code)),
    [],
  );
});

test('nothing is explained that does not exist', () => {
  const source = codesInSource();
  const elsewhere = ['admission-denied'];
  const kebab = [...explained()].filter((code) => code.includes('-') && !code.startsWith('ssl-client-'));
  const annotations = kebab.filter((code) => /^(auth-tls|force-ssl)/.test(code));
  assert.deepEqual(
    kebab.filter((code) => !source.has(code) && !elsewhere.includes(code) && !annotations.includes(code)),
    [],
  );
});

test('every state is explained', () => {
  const declared = /export type VerificationState =([^;]*);/.exec(
    readFileSync(join(root, 'src/enforcement/verification.ts'), 'utf8'),
  );
  const states = [...(declared?.[1] ?? '').matchAll(/'([A-Za-z]+)'/g)].map(([, state = '']) => state);
  assert.ok(states.length > 5);
  assert.deepEqual(
    states.filter((state) => !explained().has(state)),
    [],
  );
});
