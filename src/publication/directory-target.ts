import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { runCommand } from './command.ts';
import { type CopyPems, pemsIn } from './copy-content.ts';
import { checksumOfPems, readMark, writeFiles } from './copy-files.ts';
import { compareCopy } from './secret-manifest.ts';
import type { FileTarget, WrittenCopy } from './target.ts';

export interface DirectoryTargetOptions {
  readonly path: string;
  readonly secretName: string;
  /** Run after a change. */
  readonly command?: string;
  readonly commandTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** The link that all three files are reached through: renaming it changes them at one stroke. */
const current = '..current';

/**
 * `ca.crt`, `ca.crl` and `<secret>.secret.yaml` in a directory. Each version is written to a directory of its own and synced;
 * then one rename of the link `..current` shows all three at once (as the kubelet does with mounted Secrets), so no
 * reader sees a CA without its CRL, and a crash leaves the old version or the new. `ca.crt` and its siblings are
 * links through `..current`, made once.
 */
export function directoryTarget(o: DirectoryTargetOptions): FileTarget {
  const path = resolve(o.path);
  const names = { manifestName: `${o.secretName}.secret.yaml`, secretName: o.secretName };
  // At the start too: the command may have failed, or never run, when the process before us ended.
  let commandDue = o.command !== undefined;

  async function standing(content: CopyPems, checksum: string): Promise<WrittenCopy | undefined> {
    const mark = await readMark({ ...names, directory: path });
    const relation = compareCopy(mark, content, checksum);
    if (mark === undefined || (relation !== 'same' && relation !== 'newer')) return undefined;
    return { ...mark, change: 'kept' };
  }

  async function replace(content: CopyPems, checksum: string): Promise<WrittenCopy> {
    await mkdir(path, { recursive: true });
    const version = `..version-${randomBytes(8).toString('hex')}`;
    await writeFiles({ ...names, directory: join(path, version) }, content, checksum);
    await sync(join(path, version));
    await point(path, current, version);
    for (const name of ['ca.crt', 'ca.crl', names.manifestName])
      await pointOnce(path, name, join(current, name));
    await sync(path);
    await removeOldVersions(path, version);
    const { form, crlNumber, caFingerprints, caCrt, crlPems = [] } = content;
    const sizeBytes = crlPems.reduce((sum, { length }) => sum + length, Buffer.byteLength(caCrt));
    return { crlNumber, crlForm: form, caFingerprints, sizeBytes, change: 'changed' };
  }

  return {
    id: `directory:${path}`,
    async write(material) {
      const content = await pemsIn(material, 'full');
      const checksum = await checksumOfPems(content);
      const copy = (await standing(content, checksum)) ?? (await replace(content, checksum));
      if (copy.change !== 'kept') commandDue = o.command !== undefined;
      if (commandDue && o.command !== undefined) {
        await runCommand(o.command, { directory: path, timeoutMs: o.commandTimeoutMs, signal: o.signal });
        commandDue = false;
      }
      return copy;
    },
  };
}

/** A rename is durable only when its directory is synced. */
async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function point(directory: string, name: string, to: string): Promise<void> {
  const temporary = join(directory, `..link-${randomBytes(8).toString('hex')}`);
  await symlink(to, temporary);
  await rename(temporary, join(directory, name));
}

async function pointOnce(directory: string, name: string, to: string): Promise<void> {
  const present = await readlink(join(directory, name)).catch(() => undefined);
  if (present !== to) await point(directory, name, to);
}

async function removeOldVersions(directory: string, keep: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const ours = name.startsWith('..version-') || name.startsWith('..link-');
    if (ours && name !== keep) await rm(join(directory, name), { recursive: true, force: true });
  }
}
