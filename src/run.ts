import { AuthorityError } from './authority/authority-error.ts';
import { systemClock } from './clock.ts';
import { ConfigError, loadConfig } from './config/config.ts';
import { Fault } from './fault.ts';
import { ProfileError } from './issuance/load-profiles.ts';
import { watchNpmParent } from './npm-parent.ts';
import { createLogger, type Logger } from './observability/logger.ts';
import { type Service, startService } from './service.ts';
import { EmbeddedPostgresError } from './store/embedded-postgres.ts';
import { MigrationError } from './store/migrate.ts';

/** What stops the start for a reason that the operator can mend: one line, no stack. */
const explained = [ConfigError, AuthorityError, ProfileError, EmbeddedPostgresError, MigrationError, Fault];

/** The whole life of the process: configuration, start, drain on SIGTERM. Ends the process when it cannot start. */
export async function run(): Promise<void> {
  await start().catch(explain);
}

async function start(): Promise<void> {
  const config = loadConfig(process.env);
  const log = createLogger({ level: config.log.level });
  process.on('uncaughtException', (error) => crash(log, error));
  // From here on: whoever is told to stop in the middle of the start finishes it first, and stops in order.
  const told = toldToStop();
  const starting = startService({ config, env: process.env, log, clock: systemClock });
  const service = await unlessCutOff(starting, told, log);
  const why = await told;
  log.info({ why }, 'stopping');
  await stopService(service, log);
}

/** Why it is to stop. A second signal does not interrupt the drain: the orchestrator has SIGKILL for that. */
function toldToStop(): Promise<string> {
  return new Promise((resolve) => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
    watchNpmParent(process.env, () => resolve('npm ended'));
  });
}

/** A start that waits for something, such as a database, is not waited for longer than this once it is to stop. */
const startPatienceMs = 5_000;

async function unlessCutOff(
  starting: Promise<Service>,
  told: Promise<string>,
  log: Logger,
): Promise<Service> {
  let isOver = false;
  void told.then((why) => {
    const cutOff = (): void => {
      if (isOver) return;
      log.warn({ why }, 'stopped before the start was over');
      process.exit(1);
    };
    setTimeout(cutOff, startPatienceMs).unref();
  });
  try {
    return await starting;
  } finally {
    isOver = true;
  }
}

async function stopService(service: Service, log: Logger): Promise<void> {
  try {
    await service.close();
    log.info('stopped');
    process.exitCode = 0;
  } catch (error) {
    log.error({ err: error }, 'stopping failed');
    process.exitCode = 1;
  }
  process.exit();
}

/** A bug left the process in an unknown state. Everything acknowledged is in the database, so ending it is safe. */
function crash(log: Logger, error: unknown): void {
  log.fatal({ err: error }, 'unexpected fault; ending');
  process.exit(70);
}

function explain(error: unknown): void {
  process.stderr.write(`internal-ca cannot start: ${reasonOf(error)}\n`);
  process.exit(1);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What the system refuses, a port that is taken or a directory that is not ours, is the operator's to mend, too.
  if ('syscall' in error) return `${error.syscall === 'listen' ? 'HOST and PORT: ' : ''}${error.message}`;
  return explained.some((kind) => error instanceof kind) ? error.message : (error.stack ?? error.message);
}
