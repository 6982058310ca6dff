import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Content, Wanted, WatchedPlace } from './content.ts';
import type { CopyReader } from './read-copy.ts';

export interface DirectoryPlaceOptions {
  /** Absolute. */
  readonly path: string;
  readonly graceSeconds: number;
  readonly wanted: Wanted;
  readonly reader: CopyReader;
}

/** The files of a service outside Kubernetes. As long as both are the same files of the same time they are not read again. */
export function directoryPlace({ path, graceSeconds, wanted, reader }: DirectoryPlaceOptions): WatchedPlace {
  let held: { readonly version: string; readonly content: Content } | undefined;

  async function look(): Promise<Content> {
    const files = await Promise.all(['ca.crt', 'ca.crl'].map((name) => versionOf(join(path, name))));
    const version = files.join();
    if (held?.version === version) return held.content;
    const [caCrt, caCrl] = await Promise.all(
      ['ca.crt', 'ca.crl'].map((name, at) =>
        files[at] === undefined ? undefined : readFile(join(path, name)),
      ),
    );
    const content = await reader.read({ caCrt, caCrl });
    held = { version, content };
    return content;
  }

  return {
    id: `directory:${path}`,
    graceSeconds,
    wanted: () => wanted,
    look,
    doubt() {
      held = undefined;
    },
  };
}

/** Undefined where there is no such file. */
async function versionOf(file: string): Promise<string | undefined> {
  try {
    const { ino, mtimeNs, size } = await stat(file, { bigint: true });
    return `${ino} ${mtimeNs} ${size}`;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
