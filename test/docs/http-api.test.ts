import assert from 'node:assert/strict';
import { test } from 'node:test';
import { permissionTable } from '../../src/access/permissions.ts';
import { faultCatalogue } from '../../src/fault.ts';
import { readDocument } from './documents.ts';

/** docs/http-api.md says what the program does: routes, permissions and problems in both directions. */

const guide = readDocument('docs/http-api.md');

interface Operation {
  readonly call: string;
  readonly permission: string | undefined;
}

/** `POST /v1/certificates`, … with the permission that each needs, as the guide's first table has them. */
function documentedCalls(): Operation[] {
  const rows = guide.matchAll(/^\| \[`([A-Z]+ \/[^`]+)`\]\([^)]+\) \| (?:`([a-z:-]+)`)? *\|/gm);
  return [...rows].map(([, call = '', permission]) => ({ call, permission }));
}

function servedCalls(): string[] {
  const document: { paths: Record<string, Record<string, unknown>> } = JSON.parse(
    readDocument('openapi/openapi.json'),
  );
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

test('the guide lists every call of the OpenAPI document, and no other', () => {
  const documented = documentedCalls().map(({ call }) => call);
  assert.deepEqual(documented.toSorted(), servedCalls().toSorted());
});

test('the guide names permissions that exist, and all of them', () => {
  const documented = new Set(documentedCalls().map(({ permission }) => permission));
  documented.delete(undefined);
  // Whoever may read every certificate may also read its own: the route asks for the lesser one.
  const known = new Set<string>(Object.keys(permissionTable).filter((each) => each !== 'certificates:read'));
  assert.deepEqual(documented, known);
});

test('the guide lists every problem with its status, and no other', () => {
  const table = guide.slice(guide.indexOf('| code | status |'));
  const rows = [...table.matchAll(/^\| `([a-z-]+)` \| (\d{3}) \| (.+) \|$/gm)];
  const documented = Object.fromEntries(rows.map(([, code = '', status]) => [code, Number(status)]));
  const served = Object.entries(faultCatalogue).map(([code, { status }]) => [code, status]);
  assert.deepEqual(documented, Object.fromEntries(served));
  for (const [, code, , advice = ''] of rows) assert.ok(advice.length > 10, `${code} has no advice`);
});
