import { createHash } from 'node:crypto';
import type { IssueRequest } from './issuance-service.ts';

/**
 * What makes two requests under one Idempotency-Key the same: the CSR's bytes and every wish beside it. PEM and DER
 * of one CSR are the same request, and the order of metadata's members does not count.
 * @returns SHA-256
 */
export function requestHash(csrDer: Uint8Array, request: Omit<IssueRequest, 'csr'>): Buffer {
  const wishes = JSON.stringify([
    request.profile ?? null,
    request.validitySeconds ?? null,
    request.authority ?? null,
    Object.entries(request.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
  return createHash('sha256').update(csrDer).update('\0').update(wishes).digest();
}
