import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { declarationAnnotation, declarationOptions } from '../../src/enforcement/declaration.ts';
import { eventTypes } from '../../src/enforcement/events.ts';
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
  // `api-error.ts` has them.
  const elsewhere = ['admission-denied', 'object-modified', 'uid-mismatch', 'field-manager-conflict'];
  const kebab = [...explained()].filter((code) => code.includes('-') && !/^(ssl|x)-client-/.test(code));
  const annotations = kebab.filter((code) => /^(auth-tls|auth-url|auth-response|force-ssl)/.test(code));
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

/** Table cells of the first column, whole. */
function firstCells(): Set<string> {
  const cells = [...guide.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell = '']) => cell);
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)));
}

function sourceOf(pattern: string): string {
  const files = globSync(pattern, { cwd: root });
  return files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
}

test('the table of names has every label and annotation of ours, and no other', () => {
  const literal = sourceOf('src/**/*.ts').matchAll(/'(internal-ca\.io\/[a-z-]+)/g);
  const options = Object.values(declarationOptions).map(({ name }) => name);
  const inSource = new Set([...[...literal].map(([, name = '']) => name), ...options]);
  assert.ok(inSource.size > 10, [...inSource].join());
  const inTable = [...firstCells()].filter((text) => text.startsWith('internal-ca.io/'));
  assert.deepEqual(inTable.map((text) => text.split(':')[0]).sort(), [...inSource].sort());
});

test('the table of Events has every one', () => {
  const source = sourceOf('src/{enforcement,publication}/**/*.ts');
  const told = [...source.matchAll(/\breason: '([A-Z][A-Za-z]+)'/g)].map(([, reason = '']) => reason);
  const events = new Set([...told, ...Object.keys(eventTypes)]);
  assert.ok(events.size > 9, [...events].join());
  assert.deepEqual(
    [...events].filter((event) => !firstCells().has(event)),
    [],
  );
});

test('the guide to GitOps has every annotation that asks', () => {
  const gitops = readDocument('docs/gitops.md');
  for (const name of [declarationAnnotation, ...Object.values(declarationOptions).map((each) => each.name)]) {
    assert.ok(gitops.includes(`| \`${name}\` |`), name);
  }
});
