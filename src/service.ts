import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config/config.ts';
import type { HttpOptions, HttpParts } from './http/parts.ts';
import { createImportService } from './imports/import-service.ts';
import { defaultProfile } from './issuance/issuance-service.ts';
import { loadProfiles } from './issuance/load-profiles.ts';
import { createHealth } from './observability/health.ts';
import { measuredIssuance } from './observability/measured.ts';
import { createMetrics } from './observability/metrics.ts';
import { readinessChecks } from './observability/readiness.ts';
import { createCrlFiles } from './revocation/crl-files.ts';
import { createCertificateStore } from './store/certificates.ts';
import { createClientVerificationStore } from './store/client-verifications.ts';
import { createCrlStore } from './store/crls.ts';
import { openAccess, readServiceAccountGrants } from './wiring/access.ts';
import { openAuthorities } from './wiring/authorities.ts';
import { openBudget } from './wiring/budget.ts';
import { openDistribution } from './wiring/crl-distribution.ts';
import { createKeeper } from './wiring/crl-keeping.ts';
import { openEnforcement } from './wiring/enforcement.ts';
import { openEvents } from './wiring/events.ts';
import { importAtStart } from './wiring/importing.ts';
import { createIssuance } from './wiring/issuance.ts';
import { openKubernetes } from './wiring/kubernetes.ts';
import { followNotices, openLeadership, openNotifications, tellOfRevocations } from './wiring/leadership.ts';
import { type Listeners, listen, readTls } from './wiring/listening.ts';
import { openOcsp } from './wiring/ocsp.ts';
import { openProbing } from './wiring/probing.ts';
import { openPublisher } from './wiring/publishing.ts';
import { createRetentionWork } from './wiring/retention.ts';
import { openRevocationIndex } from './wiring/revocation-index.ts';
import { createRevoking } from './wiring/revoking.ts';
import { attachScrapes } from './wiring/scrapes.ts';
import type { ServiceInput } from './wiring/service-input.ts';
import { openStore } from './wiring/store.ts';
import { openVerifier, openVerifyUrls, readVerifyAccess } from './wiring/verification.ts';
import { openWatchdog } from './wiring/watchdog.ts';

/** A service that is listening. */
export interface Service {
  readonly url: string;
  /** Finishes what is in flight, then stops every part; resolves when nothing of it runs any more. */
  close(): Promise<void>;
}

/**
 * Builds every part, from the database up, and listens. What was started is stopped again when a later part fails.
 * @throws ConfigError, AuthorityError, ProfileError, MigrationError, EmbeddedPostgresError, Fault: one line each
 */
export async function startService(input: ServiceInput): Promise<Service> {
  await using cleanUp = new AsyncDisposableStack();
  const service = await compose(input, cleanUp);
  const started = cleanUp.move();
  return { url: service.listeners.url, close: () => stop(input.config, service, started) };
}

interface Composed {
  readonly listeners: Listeners;
  readonly drain: () => void;
  /** Another replica may lead from now on. */
  readonly handOver: () => Promise<void>;
}

async function compose(input: ServiceInput, cleanUp: AsyncDisposableStack): Promise<Composed> {
  const ground = await openGround(input, cleanUp);
  const { leadership, notifications, metrics } = ground;
  const works = buildWorks(input, ground, cleanUp);
  const { keeper } = works;
  const health = createHealth({
    clock: input.clock,
    checks: readinessChecks({
      ...ground,
      ...works,
      authorities: ground.authorities.list(),
      clock: input.clock,
    }),
  });
  attachScrapes(input, { ...ground, ...works });
  const ocsp = await openOcsp(input, ground, cleanUp);
  const parts = { ...(await httpParts(input, ground, works, health)), ...(ocsp && { ocsp }) };
  // What one replica at a time does. First to end, before the parts that it works with.
  cleanUp.defer(() => leadership.close());
  await leadership.start(works.leaderWorks);
  followNotices(notifications, { ...ground, keeper });
  await keeper.start();
  const listeners = await listen(input, { tls: ground.tls, parts, metrics }, cleanUp);
  const { url, publicUrl } = listeners;
  await works.watchdog.start(publicUrl ?? url);
  input.log.info({ url, publicUrl, kubernetes: ground.kubernetes?.server ?? 'off' }, 'ready');
  return { listeners, drain: () => health.drain(), handOver: () => leadership.close() };
}

type Ground = Awaited<ReturnType<typeof openGround>>;

/** What everything stands on: files that are checked first, the database, the cluster, and the CAs with their keys. */
async function openGround(input: ServiceInput, cleanUp: AsyncDisposableStack) {
  const { config, clock } = input;
  const metrics = createMetrics({ clock, version: await readVersion(), processMetrics: true });
  const profiles = await loadProfiles(config.issuance.profilesFile);
  const grants = await readServiceAccountGrants(config, profiles);
  const tls = await readTls(input);
  const verifyAccess = await readVerifyAccess(input);
  const store = await openStore(input, cleanUp);
  const { database } = store;
  const kubernetes = await openKubernetes(input, cleanUp);
  const notifications = openNotifications(input, store, cleanUp);
  const leadership = openLeadership(input, { store, kubernetes, metrics, notifications }, cleanUp);
  const authorities = await openAuthorities(input, database, kubernetes);
  // Before anything is said of who is revoked.
  await importAtStart(input, { database, metrics, authority: authorities.default });
  const revocationIndex = await openRevocationIndex(input, { store, metrics }, cleanUp);
  const verifyUrls = await openVerifyUrls(input, database);
  const verifications = createClientVerificationStore(database);
  const verifying = { verifyAccess, verifyUrls, verifications, authorities, revocationIndex };
  const verifier = await openVerifier(input, verifying, cleanUp);
  return {
    ...{ metrics, profiles, grants, tls, database, kubernetes, notifications, leadership, authorities },
    ...{ verifyUrls, verifications, verifier, revocationIndex },
    certificates: createCertificateStore(database),
    events: openEvents(input, kubernetes, cleanUp),
  };
}

type Works = ReturnType<typeof buildWorks>;

/** What goes on by itself, some of it on the replica that leads. Nothing has begun yet. */
function buildWorks(input: ServiceInput, ground: Ground, cleanUp: AsyncDisposableStack) {
  const { authorities, database } = ground;
  const crls = createCrlFiles(createCrlStore(database), authorities.list());
  const probing = openProbing(input, ground, cleanUp);
  const budget = openBudget(input, { ...ground, probes: probing?.reports }, cleanUp);
  const publisher = openPublisher(input, { ...ground, budget }, cleanUp);
  const keeper = createKeeper(input, { ...ground, crls, publisher });
  cleanUp.defer(() => keeper.close());
  const watchdog = openWatchdog(input, { ...ground, crls, publisher }, cleanUp);
  const onRevoked = tellOfRevocations(ground.notifications, { ...ground, keeper });
  const revoking = createRevoking(input, { ...ground, onRevoked });
  const imports = createImportService({
    ...ground,
    clock: input.clock,
    onRevoked,
    onEnded: ground.metrics.imported,
  });
  const enforcement = openEnforcement(input, { ...ground, publisher, probes: probing?.reports, budget });
  const leaderWorks = [
    keeper.leaderWork,
    budget.leaderWork,
    publisher.leaderWork,
    watchdog.leaderWork,
    revoking.leaderWork,
    ...createRetentionWork(input, ground),
    ...(enforcement === undefined ? [] : [enforcement.leaderWork]),
    ...(probing?.leaderWorks ?? []),
  ];
  return { crls, budget, publisher, keeper, watchdog, revoking, imports, probing, enforcement, leaderWorks };
}

async function httpParts(
  input: ServiceInput,
  ground: Ground,
  works: Works,
  health: HttpParts['health'],
): Promise<HttpParts> {
  const { config, clock, log } = input;
  const { metrics, authorities, certificates, profiles, verifier } = ground;
  const { enforcement, probing, crls, budget, publisher, watchdog, revoking, imports } = works;
  return {
    ...{ clock, metrics, health, certificates, authorities, crls, budget, publisher, watchdog, verifier },
    ...openDistribution(config, { crls, authorities }),
    ...(await openAccess(input, ground)),
    options: httpOptions(config),
    logger: log,
    issuance: measuredIssuance(createIssuance(input, authorities, certificates, profiles), metrics),
    ...revoking.parts,
    imports,
    ...(enforcement === undefined ? {} : { enforcement }),
    ...(probing === undefined ? {} : { probe: probing.service }),
  };
}

/**
 * Not ready first, so that load balancers look elsewhere, and another replica leads at once; then the requests in flight; then
 * the parts, newest first.
 */
async function stop(config: Config, service: Composed, started: AsyncDisposableStack): Promise<void> {
  service.drain();
  const handedOver = service.handOver();
  try {
    await delay(config.http.drainDelaySeconds * 1000);
    await service.listeners.close(config.http.drainTimeoutSeconds * 1000);
    await handedOver;
  } finally {
    await started.disposeAsync();
  }
}

function httpOptions({ http }: Config): HttpOptions {
  return {
    bodyLimitBytes: http.bodyLimitBytes,
    importBodyLimitBytes: http.importBodyLimitBytes,
    requestTimeoutMilliseconds: http.requestTimeoutSeconds * 1000,
    keepAliveTimeoutMilliseconds: http.keepAliveTimeoutSeconds * 1000,
    trustedProxies: http.trustedProxies,
    defaultProfile,
  };
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const document: unknown = JSON.parse(text);
  return typeof document === 'object' && document !== null && 'version' in document
    ? String(document.version)
    : 'unknown';
}
