import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { runCommand } from './command.ts';
import { type CopyContent, contentIn } from './copy-content.ts';
import { compareCopy, markOf, secretManifest, sizeOf } from './secret-manifest.ts';
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
  const yamlName = `${o.secretName}.secret.yaml`;
  // At the start too: the command may have failed, or never run, when the process before us ended.
  let commandDue = o.command !== undefined;

  async function standing(content: CopyContent): Promise<WrittenCopy | undefined> {
    const [caCrt, caCrl, manifest] = await Promise.all(
      ['ca.crt', 'ca.crl', yamlName].map((name) => readFile(join(path, name), 'utf8').catch(() => '')),
    );
    if (!caCrt || !caCrl || !manifest) return undefined;
    const mark = markOf(annotationsOf(manifest), { caCrt, caCrl });
    const relation = compareCopy(mark, content);
    if (mark === undefined || (relation !== 'same' && relation !== 'newer')) return undefined;
    return { ...mark, sizeBytes: sizeOf({ caCrt, caCrl }), change: 'kept' };
  }

  async function replace(content: CopyContent): Promise<WrittenCopy> {
    const files = {
      'ca.crt': content.caCrt,
      'ca.crl': content.caCrl ?? '',
      [yamlName]: manifestText(content, o.secretName),
    };
    await mkdir(path, { recursive: true });
    const version = `..version-${randomBytes(8).toString('hex')}`;
    await mkdir(join(path, version));
    for (const [name, text] of Object.entries(files)) await writeSynced(join(path, version, name), text);
    await sync(join(path, version));
    await point(path, current, version);
    for (const name of Object.keys(files)) await pointOnce(path, name, join(current, name));
    await sync(path);
    await removeOldVersions(path, version);
    const { form, crlNumber, caFingerprints } = content;
    return { crlNumber, crlForm: form, caFingerprints, sizeBytes: sizeOf(content), change: 'changed' };
  }

  return {
    id: `directory:${path}`,
    async write(material) {
      const content = await contentIn(material, 'full');
      const copy = (await standing(content)) ?? (await replace(content));
      if (copy.change !== 'kept') commandDue = o.command !== undefined;
      if (commandDue && o.command !== undefined) {
        await runCommand(o.command, { directory: path, timeoutMs: o.commandTimeoutMs, signal: o.signal });
        commandDue = false;
      }
      return copy;
    },
  };
}

/** Client-side apply stores the manifest again in an annotation, which is limited to 256 KiB; a CRL outgrows that. */
function manifestText(content: CopyContent, secretName: string): string {
  const comment = '# kubectl apply --server-side -n <namespace of the Ingress> -f <this file>\n';
  return comment + stringify(secretManifest(content, secretName), { lineWidth: 0 });
}

function annotationsOf(manifest: string): Record<string, string> | undefined {
  try {
    const document: unknown = parse(manifest);
    const annotations: unknown = member(member(document, 'metadata'), 'annotations');
    if (typeof annotations !== 'object' || annotations === null) return undefined;
    return Object.fromEntries(Object.entries(annotations).map(([key, value]) => [key, String(value)]));
  } catch {
    return undefined;
  }
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

async function writeSynced(file: string, content: string): Promise<void> {
  const handle = await open(file, 'wx', 0o644);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
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
