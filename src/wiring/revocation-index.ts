import type { Metrics } from '../observability/metrics.ts';
import { createTrouble } from '../reconcile/trouble.ts';
import { createRevocationIndex, type RunningRevocationIndex } from '../revocation/create-revocation-index.ts';
import { openDatabase } from '../store/database.ts';
import { createRevocationChangesReader } from '../store/revocation-changes-reader.ts';
import type { ServiceInput } from './service-input.ts';
import type { Store } from './store.ts';

/** Half of the second within which every replica is to know of a revocation, also where notices do not arrive. */
const pollMs = 500;

/** A page takes milliseconds; of a connection that fell silent it is found out by this. */
const longestQueryMs = 10_000;

/** Resolves when it knows every revocation. @throws Fault database-unavailable */
export async function openRevocationIndex(
  { config, clock, log }: ServiceInput,
  { store, metrics }: { store: Store; metrics: Pick<Metrics, 'revocationIndex' | 'revocationIndexFailed'> },
  cleanUp: AsyncDisposableStack,
): Promise<RunningRevocationIndex> {
  // A connection of its own: news of revocations must not wait behind the requests of a busy hour.
  const database = openDatabase({
    url: store.url,
    poolSize: 1,
    statementTimeoutMs: Math.min(config.databaseStatementTimeoutSeconds * 1000, longestQueryMs),
    connectTimeoutMs: config.databaseConnectTimeoutSeconds * 1000,
    onIdleError: (error) => log.debug({ err: error }, 'the connection of the revocation index broke'),
  });
  cleanUp.defer(() => database.close());
  const trouble = createTrouble();
  const index = createRevocationIndex({
    reader: createRevocationChangesReader(database),
    clock,
    monotonic: () => performance.now(),
    pollMs,
    onFailed(error) {
      metrics.revocationIndexFailed();
      if (trouble.isNews(error))
        log.warn({ err: error }, 'new revocations cannot be read; those known stay in force');
    },
    onRecovered() {
      trouble.over();
      log.info('new revocations are read again');
    },
    onLoaded({ entries, position }) {
      log.info({ entries, position: position.toString() }, 'the revocations were read');
    },
  });
  cleanUp.defer(() => index.close());
  await index.start();
  metrics.revocationIndex(index);
  return index;
}
