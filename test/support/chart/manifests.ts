import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isObject, type JsonObject, valueAt } from '../kubernetes/json.ts';

/** Finding one's way in rendered manifests. */

export function ofKind(manifests: readonly JsonObject[], kind: string): JsonObject[] {
  return manifests.filter((manifest) => manifest.kind === kind);
}

/** The one object of this kind; anything else fails the test. */
export function only(manifests: readonly JsonObject[], kind: string): JsonObject {
  const [found, ...more] = ofKind(manifests, kind);
  assert.ok(found !== undefined && more.length === 0, `one ${kind}`);
  return found;
}

/** The objects of a list; empty when there is none. */
export function listAt(value: unknown, ...path: readonly string[]): JsonObject[] {
  const found = valueAt(value, path);
  return Array.isArray(found) ? found.filter(isObject) : [];
}

/** For files of one test. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-chart-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
