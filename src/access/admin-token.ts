import { timingSafeEqual } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { createFileOnce, isErrno } from '../create-file-once.ts';
import type { TokenStore } from './token-store.ts';
import { formatToken, newToken, parseToken, sha256, type TokenText } from './token-text.ts';

/** The file under DATA_DIR with the first administrator's token. */
export const adminTokenFileName = 'admin-token';

/** Its id is fixed, so that of several processes starting at once the primary key lets one win. */
const firstTokenId = 'first';

export interface AdminTokenOptions {
  readonly store: Pick<TokenStore, 'insert' | 'findById' | 'list'>;
  readonly clock: Clock;
  /** DATA_DIR */
  readonly directory: string;
  /** ADMIN_TOKEN, if it is set. */
  readonly adminToken?: string;
}

/**
 * What came of it:
 * `configured`: ADMIN_TOKEN is set, nothing is written;
 * `written`: the file is new; `present`: the file is there and holds the token that the database knows;
 * `elsewhere`: the database knows a first token, but its secret is not in this directory.
 *
 * Recovery from `elsewhere` when no administrator's token is left: set ADMIN_TOKEN, or delete the row
 * (`DELETE FROM tokens WHERE id = 'first'`) together with the file, and start again.
 */
export type AdminTokenOutcome =
  | { readonly kind: 'configured' }
  | { readonly kind: 'written' | 'present' | 'elsewhere'; readonly path: string };

/**
 * Sees to it that somebody can administer the service after the first start. The file is written before the row: a
 * process killed in between finds the file at the next start and adds the row. The token itself is never logged.
 */
export async function bootstrapAdminToken(options: AdminTokenOptions): Promise<AdminTokenOutcome> {
  if (options.adminToken !== undefined) return { kind: 'configured' };
  const path = join(options.directory, adminTokenFileName);
  const onDisk = await readTokenFile(path);
  if (onDisk !== undefined) return { kind: await recognise(options, onDisk), path };
  if ((await options.store.findById(firstTokenId)) !== undefined) return { kind: 'elsewhere', path };
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const token = newToken(firstTokenId);
  if (!(await createFileOnce(path, `${formatToken(token)}\n`))) return bootstrapAdminToken(options);
  if ((await adopt(options, token)) === 'present') return { kind: 'written', path };
  // Another process with another directory was first: this file would open nothing.
  await rm(path);
  return { kind: 'elsewhere', path };
}

/**
 * A file from an earlier start. Its row is added only while there are no tokens at all (the start was cut short, or the
 * database is new): the row of a token revoked long ago may have been cleared away, and must not come back to life.
 */
async function recognise(options: AdminTokenOptions, token: TokenText): Promise<'present' | 'elsewhere'> {
  const isKnown = (await options.store.findById(token.id)) !== undefined;
  if (!isKnown && (await options.store.list()).length > 0) return 'elsewhere';
  return adopt(options, token);
}

/** Adds the row if there is none; tells whether the row is this token's. */
async function adopt(options: AdminTokenOptions, token: TokenText): Promise<'present' | 'elsewhere'> {
  if (token.id !== firstTokenId) return 'elsewhere';
  const secretSha256 = sha256(token.secret);
  const inserted = await options.store.insert({
    id: token.id,
    name: 'first administrator',
    secretSha256,
    grants: [{ role: 'admin' }],
    createdAt: new Date(options.clock.now()),
    createdBy: 'first-start',
  });
  if (inserted) return 'present';
  const known = await options.store.findById(token.id);
  return known !== undefined && timingSafeEqual(known.secretSha256, secretSha256) ? 'present' : 'elsewhere';
}

/** @throws Error when the file is there but holds no token: somebody has to look at it */
async function readTokenFile(path: string): Promise<TokenText | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  const token = parseToken(text.trim());
  if (token === undefined) throw new Error(`${path} does not hold a token; remove it or set ADMIN_TOKEN`);
  return token;
}
