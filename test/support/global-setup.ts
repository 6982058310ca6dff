import type { EmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { sharedServerVariable, startThrowAwayServer } from './postgres-server.ts';

let server: EmbeddedPostgres | undefined;

/** For `node --test --test-global-setup`: one PostgreSQL for the run; the test files inherit its address. */
export async function globalSetup(): Promise<void> {
  if (process.env[sharedServerVariable] !== undefined) return;
  server = await startThrowAwayServer();
  process.env[sharedServerVariable] = server.url;
}

export async function globalTeardown(): Promise<void> {
  await server?.stop();
}
