import { Fault } from '../fault.ts';

/** Where a page ended: the last row's id, and its notAfter when the pages go by expiry. */
export type PageCursor =
  | { readonly order: 'newest'; readonly id: string }
  | { readonly order: 'expiry'; readonly notAfter: Date; readonly id: string };

/** A bigint of PostgreSQL. */
const largestId = 2n ** 63n - 1n;

/** Opaque to clients, so that its form may change. */
export function encodeCursor(cursor: PageCursor): string {
  const text = cursor.order === 'newest' ? `n.${cursor.id}` : `e.${cursor.id}.${cursor.notAfter.getTime()}`;
  return Buffer.from(text, 'latin1').toString('base64url');
}

/** @throws Fault request-invalid when it is not a cursor of that order */
export function decodeCursor(text: string, order: PageCursor['order']): PageCursor {
  const decoded = text.length > 64 ? '' : Buffer.from(text, 'base64url').toString('latin1');
  const match = /^(?:n\.(\d{1,19})|e\.(\d{1,19})\.(-?\d{1,15}))$/.exec(decoded);
  const id = match?.[1] ?? match?.[2];
  const isExpiry = match?.[3] !== undefined;
  if (id === undefined || BigInt(id) > largestId || isExpiry !== (order === 'expiry')) {
    throw new Fault('request-invalid', 'The cursor is not one that this search gave', { field: 'cursor' });
  }
  return isExpiry ? { order: 'expiry', id, notAfter: new Date(Number(match?.[3])) } : { order: 'newest', id };
}
