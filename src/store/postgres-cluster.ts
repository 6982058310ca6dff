import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import {
  chooseLauncher,
  choosePostgresAccount,
  type Launcher,
  type PostgresAccount,
  serverEnvironment,
} from './postgres-account.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';

export const clusterUser = 'internal_ca';

/** A cluster on disk: everything of it lies in one directory, owned by the account of the server. */
export interface PostgresCluster {
  readonly directory: string;
  /** PGDATA */
  readonly data: string;
  readonly password: string;
  readonly launcher: Launcher;
}

const clusterName = 'postgres';
const stagingPrefix = `${clusterName}.new-`;
/** A staging directory this old was left by a process that died. */
const abandonedAfterMs = 3_600_000;

/**
 * Opens the cluster in DATA_DIR, creating it the first time.
 * @throws EmbeddedPostgresError when the directory or the account does not allow it
 */
export async function openCluster(
  dataDirectory: string,
  binaries: PostgresBinaries,
): Promise<PostgresCluster> {
  try {
    return await openOrCreate(dataDirectory, binaries);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new EmbeddedPostgresError(
      `DATA_DIR ${dataDirectory} cannot be used (${error.message}): run as the user that owns it, or set another DATA_DIR or DATABASE_URL`,
      { cause: error },
    );
  }
}

async function openOrCreate(dataDirectory: string, binaries: PostgresBinaries): Promise<PostgresCluster> {
  const directory = join(dataDirectory, clusterName);
  const account = await choosePostgresAccount(directory);
  // As root the server's account has to pass through; what lies inside is closed file by file.
  await mkdir(dataDirectory, { recursive: true, mode: account.identity === undefined ? 0o700 : 0o711 });
  if (!(await exists(join(directory, 'data', 'PG_VERSION')))) {
    await removeAbandoned(dataDirectory);
    await createCluster(dataDirectory, directory, account, binaries);
  }
  return {
    directory,
    data: join(directory, 'data'),
    password: (await readFile(join(directory, 'password'), 'utf8')).trim(),
    launcher: await chooseLauncher(account, binaries, directory),
  };
}

/**
 * Makes the cluster under another name and renames it as the last step: a crash leaves no half of one, and of two
 * processes that start at the same instant one wins whole.
 */
async function createCluster(
  dataDirectory: string,
  directory: string,
  account: PostgresAccount,
  binaries: PostgresBinaries,
): Promise<void> {
  const staging = join(dataDirectory, `${stagingPrefix}${randomBytes(6).toString('hex')}`);
  await mkdir(staging, { mode: 0o700 });
  try {
    const passwordFile = join(staging, 'password');
    await writeFile(passwordFile, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
    if (account.identity !== undefined) {
      await chown(passwordFile, account.identity.uid, account.identity.gid);
      await chown(staging, account.identity.uid, account.identity.gid);
    }
    const launcher = await chooseLauncher(account, binaries, staging);
    await initialise(staging, passwordFile, launcher, binaries);
    await rename(staging, directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    await syncDirectory(dataDirectory);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** The built-in C.UTF-8 locale: code point order and Unicode case, whatever the operating system has. */
async function initialise(
  staging: string,
  passwordFile: string,
  launcher: Launcher,
  binaries: PostgresBinaries,
): Promise<void> {
  const [file = '', ...args] = [
    ...launcher.prefix,
    binaries.initdb,
    `--pgdata=${join(staging, 'data')}`,
    `--username=${clusterUser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ];
  try {
    await promisify(execFile)(file, args, { ...launcher.identity, cwd: '/', env: serverEnvironment() });
  } catch (error) {
    throw new EmbeddedPostgresError(`Creating the embedded PostgreSQL failed: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** initdb looks its user up in passwd, where an arbitrary uid of a container is not. */
function reasonOf(error: unknown): string {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  const line = stderr.split('\n').find((candidate) => /error:|fatal:/i.test(candidate)) ?? stderr.trim();
  return /could not look up effective user ID/.test(line)
    ? `the user ID ${process.getuid?.()} has no entry in /etc/passwd: run as a user that has one, or set DATABASE_URL`
    : (line.replace(/^initdb: error: /, '').split('\n', 1)[0] ?? '');
}

async function removeAbandoned(dataDirectory: string): Promise<void> {
  for (const name of await readdir(dataDirectory)) {
    if (!name.startsWith(stagingPrefix)) continue;
    const path = join(dataDirectory, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > abandonedAfterMs) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

/** Makes the rename itself durable. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
