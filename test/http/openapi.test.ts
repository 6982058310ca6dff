import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { documentPath, openApiText } from '../../openapi/document.ts';
import { testApp } from './support.ts';

const root = join(import.meta.dirname, '../..');

test('the committed document is the one the routes make', async () => {
  const committed = await readFile(join(root, documentPath), 'utf8');
  assert.equal(committed, await openApiText(), 'run npm run openapi');
});

test('the committed client types are those of the committed document', async () => {
  const committed = await readFile(join(root, documentPath), 'utf8');
  const types = await readFile(join(root, 'test/support/generated/openapi.ts'), 'utf8');
  const generated = astToString(await openapiTypescript(committed));
  assert.equal(types.slice(types.indexOf('\n') + 1), generated, 'run npm run openapi');
});

test('the service serves that document', async (t) => {
  const { call } = await testApp(t);
  const committed: unknown = JSON.parse(await readFile(join(root, documentPath), 'utf8'));
  const answer = await call(undefined, 'GET', '/openapi.json');
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  assert.deepEqual(answer.json(), committed);
});

test('every operation has an id of its own, a tag, a summary and its errors', async (t) => {
  const { app } = await testApp(t);
  const document = app.swagger();
  const ids = new Set<string>();
  for (const [path, operations] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(operations ?? {})) {
      assert.ok(isOperation(operation), `${method} ${path}`);
      assert.ok(!ids.has(operation.operationId));
      ids.add(operation.operationId);
      assert.equal(operation.tags.length, 1);
      assert.ok(operation.summary.length > 0);
      assertErrors(operation, `${method} ${path}`);
    }
  }
  assert.equal(ids.size, 35);
});

function assertErrors({ responses, security }: Operation, call: string): void {
  const statuses = Object.keys(responses);
  const isPublic = security?.length === 0;
  for (const status of ['500', '503', ...(isPublic ? [] : ['401', '403'])])
    assert.ok(statuses.includes(status), `${call} ${status}`);
  // There a 401 is about the client that a proxy asks about, not about whoever calls.
  if (isPublic && call !== 'get /v1/verify') assert.ok(!statuses.includes('401'), call);
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly responses: object;
  readonly security?: readonly unknown[];
}

function isOperation(value: unknown): value is Operation {
  return (
    typeof value === 'object' &&
    value !== null &&
    'operationId' in value &&
    'tags' in value &&
    'summary' in value
  );
}
