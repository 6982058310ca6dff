import { createServer } from 'node:net';
import { join } from 'node:path';

/** Where the server listens: a socket in `directory`, or a port of the loopback interface. */
export type PostgresAddress =
  | { readonly kind: 'socket'; readonly directory: string }
  | { readonly kind: 'tcp'; readonly port: number };

/** With a socket the port is only part of the file's name. */
const socketPort = 5432;

/** `sun_path` has 108 octets on Linux and 104 on macOS. */
const longestSocketPath = 100;

export async function chooseAddress(directory: string): Promise<PostgresAddress> {
  const path = join(directory, `.s.PGSQL.${socketPort}`);
  if (Buffer.byteLength(path) <= longestSocketPath) return { kind: 'socket', directory };
  return { kind: 'tcp', port: await freePort() };
}

export function addressUrl(address: PostgresAddress, user: string, password: string): string {
  const credentials = `${user}:${encodeURIComponent(password)}`;
  return address.kind === 'socket'
    ? `postgresql://${credentials}@localhost:${socketPort}/postgres?host=${encodeURIComponent(address.directory)}`
    : `postgresql://${credentials}@127.0.0.1:${address.port}/postgres`;
}

/** postgresql.conf settings, given on the command line so that a cluster made by an older version gets them too. */
export function serverSettings(address: PostgresAddress): Record<string, string> {
  const listening: Record<string, string> =
    address.kind === 'socket'
      ? {
          listen_addresses: '',
          unix_socket_directories: quoteListItem(address.directory),
          port: String(socketPort),
        }
      : { listen_addresses: '127.0.0.1', unix_socket_directories: '', port: String(address.port) };
  return {
    ...listening,
    unix_socket_permissions: '0700',
    max_connections: '50',
    shared_buffers: '128MB',
    // A commit that was acknowledged survives a crash, of the machine too.
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    // Nothing replicates from here, so the WAL need not carry more than recovery wants.
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_logical_replication_workers: '0',
    checkpoint_timeout: '15min',
    // The statements are small: parallel plans would cost more than they bring, and need /dev/shm, small in containers.
    max_parallel_workers_per_gather: '0',
    jit: 'off',
    io_method: 'sync',
    idle_in_transaction_session_timeout: '60s',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    // Errors of statements go to the program; the server's own log holds what concerns the server, and no data.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    log_line_prefix: '',
  };
}

/** An element of a list setting, in which a comma would otherwise divide. */
function quoteListItem(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('The system gave no port'));
      });
    });
  });
}
