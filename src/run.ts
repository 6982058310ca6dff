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
  const service = await startService({ config, env: process.env, log, clock: systemClock });
  let stopping = false;
  const stop = (why: string): void => {
    // A second signal does not interrupt the drain: the orchestrator has SIGKILL for that.
    if (stopping) return;
    stopping = true;
    log.info({ why }, 'stopping');
    void stopService(service, log);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  watchNpmParent(process.env, () => stop('npm ended'));
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
