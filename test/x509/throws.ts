import assert from 'node:assert/strict';
import { X509Error, type X509ErrorCode } from '../../src/x509/x509-error.ts';

/** Asserts that `work` throws an `X509Error` with this code that names this field. */
export function throwsX509(work: () => unknown, code: X509ErrorCode, field: string, message?: RegExp): void {
  assert.throws(work, (error: unknown) => {
    assert.ok(error instanceof X509Error, String(error));
    assert.deepEqual([error.code, error.field], [code, field], error.message);
    if (message) assert.match(error.message, message);
    return true;
  });
}

/** As `throwsX509`, for a promise. */
export async function rejectsX509(
  promise: Promise<unknown>,
  code: X509ErrorCode,
  field: string,
): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof X509Error, String(error));
    assert.deepEqual([error.code, error.field], [code, field], error.message);
    return true;
  });
}
