import { createReadStream } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { inSteps } from '../encoding/in-steps.ts';
import { createChecksum } from './copy-checksum.ts';
import type { CopyPems } from './copy-content.ts';
import { type CopyMark, manifestHead, toldMark } from './secret-manifest.ts';

/**
 * `ca.crt`, `ca.crl` and the manifest of a Secret in one directory. A `ca.crl` of a million entries has 57 MB, so it is read,
 * checked and written in steps, and is never a text.
 */
export interface CopyFiles {
  readonly directory: string;
  /** Of the manifest, and the name of the Secret in it. */
  readonly manifestName: string;
  readonly secretName: string;
}

export async function checksumOfPems({ crlPems = [], ...facts }: CopyPems): Promise<string> {
  const checksum = createChecksum(facts);
  await inSteps(crlPems, (step) =>
    checksum.add(Buffer.from(step.buffer, step.byteOffset, step.byteLength).toString('latin1')),
  );
  return checksum.digest();
}

/** What lies there, when its files belong together; whether the data of the manifest do is not looked at. */
export async function readMark(
  files: CopyFiles,
): Promise<(CopyMark & { readonly sizeBytes: number }) | undefined> {
  const told = toldMark(await annotationsOf(files), true);
  const caCrt = await readFile(join(files.directory, 'ca.crt'), 'utf8').catch(() => '');
  if (told === undefined || caCrt === '') return undefined;
  const checksum = createChecksum({ ...told, form: told.crlForm, crlNumber: told.crlNumber, caCrt });
  let crlBytes = 0;
  try {
    for await (const chunk of createReadStream(join(files.directory, 'ca.crl'))) {
      crlBytes += chunk.length;
      checksum.add(chunk.toString('latin1'));
    }
  } catch {
    return undefined;
  }
  if (crlBytes === 0 || checksum.digest() !== told.checksum) return undefined;
  return { ...told, sizeBytes: Buffer.byteLength(caCrt) + crlBytes };
}

/** Into a directory that there is not yet, and synced. */
export async function writeFiles(
  { directory, manifestName, secretName }: CopyFiles,
  content: CopyPems,
  checksum: string,
): Promise<void> {
  const { caCrt, crlPems = [] } = content;
  await mkdir(directory);
  await writeSynced(join(directory, 'ca.crt'), [caCrt]);
  await writeSynced(join(directory, 'ca.crl'), crlPems);
  await writeSynced(join(directory, manifestName), manifestOf(content, checksum, secretName));
}

/** Client-side apply stores the manifest again in an annotation, which is limited to 256 KiB; a CRL outgrows that. */
const comment = '# kubectl apply --server-side -n <namespace of the Ingress> -f <this file>\n';
const dataLine = '\ndata:\n';

async function* manifestOf(content: CopyPems, checksum: string, secretName: string): AsyncGenerator<string> {
  const head = manifestHead(content, checksum, secretName);
  const data = { 'ca.crt': Buffer.from(content.caCrt).toString('base64') };
  yield comment + stringify({ ...head, data }, { lineWidth: 0 });
  yield '  ca.crl: ';
  yield* base64InSteps(content.crlPems ?? []);
  yield '\n';
}

/** A multiple of three octets, so that the pieces are the base64 of the whole. */
const stepOctets = 3 * 128 * 1024;

async function* base64InSteps(buffers: readonly Buffer[]): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for (const buffer of buffers) {
    const first = rest.length === 0 ? 0 : Math.min(3 - rest.length, buffer.length);
    rest = Buffer.concat([rest, buffer.subarray(0, first)]);
    if (rest.length === 3) {
      yield rest.toString('base64');
      rest = Buffer.alloc(0);
    }
    const whole = first + Math.floor((buffer.length - first) / 3) * 3;
    for (let at = first; at < whole; at += stepOctets) {
      yield buffer.toString('base64', at, Math.min(at + stepOctets, whole));
      await setImmediate();
    }
    rest = Buffer.concat([rest, buffer.subarray(whole)]);
  }
  yield rest.toString('base64');
}

/** Far more than stands before the data. */
const headOctets = 64 * 1024;

async function annotationsOf({
  directory,
  manifestName,
}: CopyFiles): Promise<Record<string, string> | undefined> {
  try {
    const text = await readStart(join(directory, manifestName), headOctets);
    const document: unknown = parse(text.slice(0, text.indexOf(dataLine)));
    const annotations: unknown = member(member(document, 'metadata'), 'annotations');
    if (typeof annotations !== 'object' || annotations === null) return undefined;
    return Object.fromEntries(Object.entries(annotations).map(([key, value]) => [key, String(value)]));
  } catch {
    return undefined;
  }
}

async function readStart(file: string, octets: number): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(octets), 0, octets, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

async function writeSynced(
  file: string,
  chunks: Iterable<string | Buffer> | AsyncIterable<string>,
): Promise<void> {
  const handle = await open(file, 'wx', 0o644);
  try {
    for await (const chunk of chunks) await handle.writeFile(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
