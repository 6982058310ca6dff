import { join } from 'node:path';
import type { AuthorityRegistry } from '../authority/authority.ts';
import type { Config } from '../config/config.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Publisher } from '../publication/publisher.ts';
import type { CrlFiles } from '../revocation/crl-files.ts';
import type { createClientVerificationStore } from '../store/client-verifications.ts';
import { createCrlBudgetStore } from '../store/crl-budget.ts';
import { createCrlStore } from '../store/crls.ts';
import type { Database } from '../store/database.ts';
import { createPublicationStore } from '../store/publications.ts';
import { createPublishedPlaceStore } from '../store/published-places.ts';
import { createRevocationStore } from '../store/revocations.ts';
import { type ClusterPlaces, createClusterPlaces, type PublishedWishes } from '../watchdog/cluster-places.ts';
import type { WatchedPlace } from '../watchdog/content.ts';
import { createWatchdog } from '../watchdog/create-watchdog.ts';
import { directoryPlace } from '../watchdog/directory-place.ts';
import { createExpectation } from '../watchdog/expectation.ts';
import { lookIntervalSeconds } from '../watchdog/look-interval.ts';
import { createPublishedWishes } from '../watchdog/published-wishes.ts';
import { createCopyReader } from '../watchdog/read-copy.ts';
import type { WatchedAuthority } from '../watchdog/read-crl.ts';
import { createUnlisted } from '../watchdog/unlisted.ts';
import type { Watchdog } from '../watchdog/watchdog.ts';
import { createWatchdogEvents } from '../watchdog/watchdog-events.ts';
import { copyOwner } from './copy-owner.ts';
import type { ServiceInput } from './service-input.ts';
import { visibleNamespaces } from './visible-namespaces.ts';
import { createWatchedAddresses } from './watched-addresses.ts';

interface WatchingParts {
  readonly authorities: AuthorityRegistry;
  readonly database: Database;
  readonly kubernetes: KubernetesApi | undefined;
  readonly events: EventRecorder | undefined;
  readonly crls: Pick<CrlFiles, 'held'>;
  readonly publisher: Pick<Publisher, 'recheck'>;
  readonly verifications: ReturnType<typeof createClientVerificationStore>;
  readonly metrics: Pick<Metrics, 'watchdog'>;
}

/** A copy is written within seconds of its CRL, and every replica has it. */
const copyGraceSeconds = 60;
/** A cache may keep a CRL for five minutes. */
const urlGraceSeconds = copyGraceSeconds + 300;

export function openWatchdog(
  input: ServiceInput,
  parts: WatchingParts,
  cleanUp: AsyncDisposableStack,
): Watchdog {
  const { config, clock, log } = input;
  const { database, kubernetes, publisher } = parts;
  const authorities = parts.authorities.list().map(asWatched);
  const expectation = createExpectation(createCrlStore(database), authorities, clock, urlGraceSeconds);
  const wishes = createPublishedWishes({
    enforced: () => parts.verifications.namespaces(),
    budget: createCrlBudgetStore(database),
    publications: createPublicationStore(database),
  });
  const cluster = kubernetes && openClusterPlaces(config, { kubernetes, authorities, wishes });
  const files = cluster === undefined ? [filesOf(config, authorities)] : [];
  const intervalMs = input.lookMs ?? lookIntervalSeconds(config) * 1000;
  const store = createPublishedPlaceStore(database);
  const addresses = createWatchedAddresses(config, {
    ...{ authorities, expectation, store },
    held: parts.crls.held,
    graceSeconds: { own: copyGraceSeconds, elsewhere: urlGraceSeconds },
    // A process that never lives long enough for all of them does not begin with the same one each time.
    firstPart: Math.floor(clock.now() / intervalMs),
  });
  const watchdog = createWatchdog({
    intervalMs,
    overlapSeconds: config.crl.overlapSeconds,
    expectation,
    unlisted: createUnlisted({
      authorities,
      clock,
      crls: createCrlStore(database),
      revocations: createRevocationStore(database),
    }),
    async refreshWishes() {
      await wishes.refresh();
      await addresses.refresh();
    },
    servedHere: (url) => addresses.servedHere(url),
    nearby: async () => [...files, ...((await cluster?.own()) ?? [])],
    everywhere: async () => [...files, ...((await cluster?.all()) ?? []), ...addresses.elsewhere()],
    store,
    events: createWatchdogEvents(parts.events),
    recheck: (place) => publisher.recheck(place),
    clock,
    log,
  });
  parts.metrics.watchdog(watchdog.figures);
  cleanUp.defer(() => watchdog.close());
  return watchdog;
}

/** The part of an authority that cannot sign. */
function asWatched({
  name,
  certificate,
  chain,
  signer,
}: ReturnType<AuthorityRegistry['get']>): WatchedAuthority {
  return { name, certificate, chain, algorithm: signer.algorithm };
}

function openClusterPlaces(
  config: Config,
  o: {
    readonly kubernetes: KubernetesApi;
    readonly authorities: readonly WatchedAuthority[];
    readonly wishes: PublishedWishes;
  },
): ClusterPlaces {
  const { kubernetes, authorities, wishes } = o;
  return createClusterPlaces({
    ...config.publication,
    api: kubernetes,
    owner: copyOwner(config, kubernetes),
    visibleNamespaces: visibleNamespaces(config, kubernetes.namespace),
    wishes,
    authorities,
    graceSeconds: copyGraceSeconds,
    reader: createCopyReader(authorities),
  });
}

function filesOf(config: Config, authorities: readonly WatchedAuthority[]): WatchedPlace {
  return directoryPlace({
    path: join(config.dataDirectory, 'published'),
    graceSeconds: copyGraceSeconds,
    wanted: { crlsOf: authorities.map(({ name }) => name), mayHaveCrls: true },
    reader: createCopyReader(authorities),
  });
}
