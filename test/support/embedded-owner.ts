import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';

/**
 * A process that owns an embedded PostgreSQL, for tests that kill it. Argument: DATA_DIR. Prints `ready <url>` or
 * `refused <message>`; ends in order when its standard input is closed.
 */
const [, , dataDirectory = ''] = process.argv;
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

try {
  const server = await startEmbeddedPostgres({ dataDirectory, log: { info: say, warn: say } });
  say(`ready ${server.url}`);
  process.stdin.resume().on('end', () => {
    void server.stop().then(() => say('stopped'));
  });
} catch (error) {
  say(`refused ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
