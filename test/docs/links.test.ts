import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { test } from 'node:test';
import { anchorsOf, documentPaths, proseOf, readDocument, root } from './documents.ts';

interface Link {
  readonly path: string;
  readonly target: string;
}

function linksOf(path: string): Link[] {
  const links = proseOf(readDocument(path)).matchAll(/\]\(([^)\s]+)\)/g);
  return [...links].map(([, target = '']) => ({ path, target }));
}

/** What is wrong with a link that stays in the repository, or undefined. */
function faultOf({ path, target }: Link): string | undefined {
  const [file = '', anchor] = target.split('#', 2);
  const wanted = file === '' ? path : posix.normalize(posix.join(dirname(path), file));
  if (wanted.startsWith('..')) return `${path}: ${target} leaves the repository`;
  if (!existsSync(join(root, wanted))) return `${path}: ${target} does not exist`;
  if (anchor === undefined || !wanted.endsWith('.md')) return undefined;
  return anchorsOf(readDocument(wanted)).has(anchor) ? undefined : `${path}: ${target} has no such heading`;
}

test('every link between documents leads somewhere', () => {
  const links = documentPaths().flatMap(linksOf);
  const inside = links.filter(({ target }) => !/^[a-z]+:/.test(target));
  assert.ok(inside.length > 50, `only ${inside.length} links found`);
  assert.deepEqual(
    inside.map(faultOf).filter((fault) => fault !== undefined),
    [],
  );
});

test('links to elsewhere are https', () => {
  const outside = documentPaths()
    .flatMap(linksOf)
    .filter(({ target }) => /^[a-z]+:/.test(target));
  assert.deepEqual(
    outside.filter(({ target }) => !target.startsWith('https://')),
    [],
  );
});

test('a heading that is not there is found out', () => {
  assert.equal(faultOf({ path: 'README.md', target: '#run-it' }), undefined);
  assert.match(faultOf({ path: 'README.md', target: '#walk-it' }) ?? '', /no such heading/);
  assert.match(faultOf({ path: 'docs/helm.md', target: 'nothing.md' }) ?? '', /does not exist/);
  assert.match(faultOf({ path: 'docs/helm.md', target: '../../etc' }) ?? '', /leaves the repository/);
});

test('anchors are those that GitHub makes', () => {
  const anchors = anchorsOf(
    "# The CA's key\n## `a`, b & c\n## A [link](x.md)\n## A link\n```\n# not one\n```\n",
  );
  assert.deepEqual([...anchors], ['the-cas-key', 'a-b--c', 'a-link', 'a-link-1']);
});
