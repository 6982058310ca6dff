import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyStore } from './key-store.ts';

/** Keeps keys as `<directory>/<name>.key`, mode 0600, the directory 0700. */
export function createFileKeyStore(directory: string): KeyStore {
  const pathOf = (name: string) => join(directory, `${name}.key`);
  const load = async (name: string): Promise<string | undefined> => {
    try {
      return await readFile(pathOf(name), 'utf8');
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  };
  return {
    location: `file ${join(directory, '<name>.key')}`,
    load,
    async createIfAbsent(name, pem) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await linkNewFile(directory, pathOf(name), pem);
      const kept = await load(name);
      if (kept === undefined) throw new Error(`the key file of ${name} vanished while it was created`);
      return kept;
    },
  };
}

/** Write aside, flush, then link: the name appears with its whole content or not at all, and never replaces a key. */
async function linkNewFile(directory: string, path: string, content: string): Promise<void> {
  const aside = `${path}.${randomUUID()}.tmp`;
  const file = await open(aside, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(aside, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    await unlink(aside);
  }
  await syncDirectory(directory);
}

/** A new name survives a power cut only once its directory has been flushed. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
