import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';

const run = promisify(execFile);

/** Whom the server runs as. PostgreSQL refuses to run as root, so root lends it an ordinary account. */
export interface PostgresAccount {
  /** Set when it is another account than ours. */
  readonly identity?: { readonly uid: number; readonly gid: number };
}

/** How to start a program under the account: options for spawn, and words to put before the command. */
export interface Launcher {
  readonly identity?: { readonly uid: number; readonly gid: number };
  readonly prefix: readonly string[];
}

/** Our own account, or, for root, the one that owns the cluster already, else `postgres`, else `nobody`. */
export async function choosePostgresAccount(clusterDirectory: string): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return {};
  const owner = await stat(clusterDirectory).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { identity: { uid: owner.uid, gid: owner.gid } };
  for (const name of ['postgres', 'nobody']) {
    const identity = await lookUp(name);
    if (identity !== undefined) return { identity };
  }
  throw new EmbeddedPostgresError(
    'PostgreSQL does not run as root and there is no account "postgres" or "nobody" to lend it: run as another user, or set DATABASE_URL',
  );
}

/** Through `id`, which asks every name service, where /etc/passwd is only one. */
async function lookUp(name: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

/**
 * Finds a way to start the server so that it reaches its binaries and its data. Under a directory that is closed to
 * others (a clone in /root, a DATA_DIR of mode 0700) the lent account keeps the one capability to pass through.
 * @param directory that the account owns and must be able to enter
 */
export async function chooseLauncher(
  account: PostgresAccount,
  binaries: PostgresBinaries,
  directory: string,
): Promise<Launcher> {
  const { identity } = account;
  if (identity === undefined) return { prefix: [] };
  const candidates: Launcher[] = [
    { identity, prefix: [] },
    { prefix: withCapability(identity, 'dac_read_search') },
    // A container often lacks the narrower one.
    { prefix: withCapability(identity, 'dac_override') },
  ];
  for (const launcher of candidates) {
    if (await reaches(launcher, binaries, directory)) return launcher;
  }
  throw new EmbeddedPostgresError(
    `As root, PostgreSQL runs as uid ${identity.uid}, which cannot pass through the directories above ${binaries.postgres} or ${directory}: set DATABASE_URL, run as an ordinary user, or move the program and DATA_DIR to where others may pass (chmod o+x)`,
  );
}

/**
 * `no_setuid_fixup`, since access(2), which initdb asks whether it may run postgres, otherwise forgets the capabilities
 * of everybody but root.
 */
function withCapability(identity: { uid: number; gid: number }, capability: string): string[] {
  return [
    'setpriv',
    `--reuid=${identity.uid}`,
    `--regid=${identity.gid}`,
    '--clear-groups',
    `--inh-caps=-all,+${capability}`,
    `--ambient-caps=-all,+${capability}`,
    '--securebits=+no_setuid_fixup',
    '--',
  ];
}

/** `initdb --show` finds its own parts, as a real run does, and writes nothing. */
async function reaches(launcher: Launcher, binaries: PostgresBinaries, directory: string): Promise<boolean> {
  const command = [...launcher.prefix, '/bin/sh', '-c', 'cd "$2" && exec "$1" --show -D "$2"', 'sh'];
  const [file = '', ...args] = [...command, binaries.initdb, directory];
  try {
    await run(file, args, { ...launcher.identity, cwd: '/', env: serverEnvironment() });
    return true;
  } catch {
    return false;
  }
}

/** Nothing of ours: the environment may hold secrets, and PG* variables would steer the server. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const { PATH, LD_LIBRARY_PATH } = process.env;
  return {
    LC_ALL: 'C',
    TZ: 'UTC',
    ...(PATH === undefined ? {} : { PATH }),
    ...(LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH }),
  };
}
