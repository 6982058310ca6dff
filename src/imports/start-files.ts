import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Authority } from '../authority/authority.ts';
import { AuthorityError } from '../authority/authority-error.ts';
import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import { type Database, LockBusy, type Session } from '../store/database.ts';
import { type ImportedFile, recordImportedFile, wasImported } from '../store/imports.ts';
import type { PlacedBlock } from './import-certificates.ts';
import type { ImportJob } from './import-job.ts';
import { ImportProblem } from './import-problem.ts';
import type { ImportReport } from './import-report.ts';
import {
  certificatesIn,
  importLock,
  runImport,
  takeCertificates,
  takeCrls,
  takeIndex,
} from './import-service.ts';

/** Files that CA_IMPORT_… name. */
export interface StartFiles {
  readonly index?: string | undefined;
  readonly crl?: string | undefined;
  /** A file or a directory. */
  readonly certificates?: string | undefined;
}

export interface StartImportParts {
  readonly database: Pick<Database, 'query' | 'withAdvisoryLock'>;
  readonly clock: Clock;
  readonly authority: Authority;
  /** After each file that was imported now. */
  readonly onImported: (setting: string, report: ImportReport) => void;
}

/** Another replica may be at it, and a million rows take minutes. */
const lockPatienceMs = 1_800_000;

/**
 * Imports the files that were not imported before, by what they hold: what was released since is not put back by a restart, and
 * a start that broke off in the middle is made up for by the next one. Certificates first, so that nothing has to be changed twice.
 * @throws AuthorityError with one line: a file that cannot be read, or is not of its kind
 */
export async function importStartFiles(parts: StartImportParts, files: StartFiles): Promise<void> {
  const wanted = kinds.flatMap((kind) => {
    const path = files[kind.kind];
    return path === undefined ? [] : { ...kind, path };
  });
  const open: Source[] = [];
  for (const source of wanted) {
    await explained(source, async () => {
      if (!(await wasImported(parts.database, await identify(parts, source)))) open.push(source);
    });
  }
  // Whoever has nothing to import does not wait for an import by HTTP, which may take as long as its caller likes.
  if (open.length === 0) return;
  const work = async (session: Session): Promise<void> => {
    for (const source of open) await explained(source, () => importOnce(parts, session, source));
  };
  await parts.database
    .withAdvisoryLock(importLock, work, { patienceMs: lockPatienceMs })
    .catch((error: unknown) => {
      if (error instanceof LockBusy)
        throw new AuthorityError('another replica has been importing for too long');
      throw error;
    });
}

interface Kind {
  readonly kind: ImportedFile['kind'];
  readonly setting: string;
  readonly take: (job: ImportJob, files: readonly string[]) => Promise<void>;
}

type Source = Kind & { readonly path: string };

const kinds: readonly Kind[] = [
  {
    kind: 'certificates',
    setting: 'CA_IMPORT_CERTIFICATES',
    take: (job, files) => (files.length === 0 ? Promise.resolve() : takeCertificates(job, blocksOf(files))),
  },
  { kind: 'index', setting: 'CA_IMPORT_INDEX_FILE', take: (job, files) => takeIndex(job, contentOf(files)) },
  { kind: 'crl', setting: 'CA_IMPORT_CRL_FILE', take: (job, files) => takeCrls(job, contentOf(files)) },
];

async function identify(
  { authority }: Pick<StartImportParts, 'authority'>,
  source: Source,
): Promise<ImportedFile> {
  return { authority: authority.name, kind: source.kind, sha256: await hashOf(await filesOf(source)) };
}

async function importOnce(parts: StartImportParts, session: Session, source: Source): Promise<void> {
  const { authority, clock, onImported } = parts;
  // Another replica may have imported it meanwhile.
  const file = await identify(parts, source);
  if (await wasImported(session, file)) return;
  const report = await runImport(
    // No CRL has been built yet, and the revocations are read afterwards. One that breaks off ends the start.
    { session, clock, onRevoked: () => undefined, onEnded: () => undefined },
    authority,
    { requester: 'import', dryRun: false },
    async (job) => source.take(job, await filesOf(source)),
  );
  const { problems: _, crlNumber: __, ...counts } = report;
  await recordImportedFile(session, file, new Date(clock.now()), counts);
  onImported(source.setting, report);
}

/** A directory's own files in the order of their names; what a mounted Secret has besides begins with a dot. */
async function filesOf({ path, kind }: Source): Promise<string[]> {
  if (kind !== 'certificates' || !(await stat(path)).isDirectory()) return [path];
  const paths = (await readdir(path))
    .filter((name) => !name.startsWith('.'))
    .sort()
    .map((name) => join(path, name));
  const found: string[] = [];
  for (const each of paths) if ((await stat(each)).isFile()) found.push(each);
  return found;
}

async function hashOf(files: readonly string[]): Promise<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of contentOf(files)) hash.update(chunk);
  return hash.digest();
}

async function* contentOf(files: readonly string[]): AsyncGenerator<Buffer> {
  for (const file of files) yield* createReadStream(file);
}

async function* blocksOf(files: readonly string[]): AsyncGenerator<PlacedBlock> {
  for (const file of files) {
    let any = false;
    for await (const block of certificatesIn(contentOf([file]))) {
      any = true;
      yield { ...block, file };
    }
    if (!any) yield { file, line: 1, label: '', content: new ImportProblem('malformed', 'It holds no PEM') };
  }
}

async function explained(source: Source, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const name = `${source.setting} ${source.path}`;
    if (error instanceof Error && 'syscall' in error)
      throw new AuthorityError(`${name} cannot be read: ${error.message}`, { cause: error });
    if (error instanceof Fault && error.status < 500)
      throw new AuthorityError(`${name} cannot be imported: ${error.message}`, { cause: error });
    throw error;
  }
}
