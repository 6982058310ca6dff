import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileOnce, isErrno } from '../create-file-once.ts';
import type { KeyStore } from './key-store.ts';

/** Keeps keys as `<directory>/<name>.key`, mode 0600, the directory 0700. */
export function createFileKeyStore(directory: string): KeyStore {
  const pathOf = (name: string) => join(directory, `${name}.key`);
  const load = async (name: string): Promise<string | undefined> => {
    try {
      return await readFile(pathOf(name), 'utf8');
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  };
  return {
    location: `file ${join(directory, '<name>.key')}`,
    load,
    async createIfAbsent(name, pem) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await createFileOnce(pathOf(name), pem);
      const kept = await load(name);
      if (kept === undefined) throw new Error(`the key file of ${name} vanished while it was created`);
      return kept;
    },
  };
}
