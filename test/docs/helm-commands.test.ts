import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentPaths, readDocument } from './documents.ts';

/** The helm commands of every guide, each on one line. */
const commands = documentPaths().flatMap((path) =>
  [...readDocument(path).matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .flatMap(([, block = '']) => block.replaceAll(/\\\n\s*/g, '').split('\n'))
    .filter((line) => line.startsWith('helm '))
    .map((line) => ({ path, line })),
);

test('helm commands of the guides can be repeated, and make their namespace', () => {
  const installs = commands.filter(({ line }) => /^helm (install|upgrade --install)\b/.test(line));
  assert.ok(installs.length >= 5);
  for (const { path, line } of installs) {
    assert.match(
      line,
      /^helm upgrade --install internal-ca helm\/internal-ca --namespace pki --create-namespace /,
      path,
    );
    assert.doesNotMatch(line, /…/, path);
  }
});
