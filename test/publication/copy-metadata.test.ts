import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeAnnotations, writtenAtOf } from '../../src/publication/copy-metadata.ts';

const copy = (annotations: Record<string, string>) => ({ metadata: { name: 'internal-ca', annotations } });

test('the time of writing is read as it is written, and nothing else is', () => {
  const at = new Date('2026-11-23T12:00:00.000Z');
  const written = writeAnnotations('pki/internal-ca', 1n, at);
  assert.deepEqual(writtenAtOf(copy(written)), at);
  const [name] = Object.entries(written).find(([, value]) => value === at.toISOString()) ?? [];
  assert.ok(name !== undefined);
  // One row with a year that PostgreSQL does not have would cost all the others theirs: they are saved together.
  for (const text of ['+275760-09-13T00:00:00.000Z', '-000001-01-01T00:00:00.000Z', 'yesterday', '2026', ''])
    assert.equal(writtenAtOf(copy({ [name]: text })), undefined, text);
});
