import { randomUUID } from 'node:crypto';
import { link, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file that must never be half there and never replace another: aside first, flushed, then linked to its
 * name (a link fails where a rename would replace). Readable by its owner only. It survives a power cut.
 * @returns false when the name is taken; that file is left as it is
 */
export async function createFileOnce(path: string, content: string): Promise<boolean> {
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
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await unlink(aside);
    await syncDirectory(dirname(path));
  }
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

/** Whether the system refused with this code, such as `ENOENT`. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
