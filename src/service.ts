import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { bootstrapAdminToken } from './access/admin-token.ts';
import { createAuthenticator } from './access/authenticator.ts';
import { createTokenService } from './access/token-service.ts';
import type { Config } from './config/config.ts';
import type { HttpOptions, HttpParts } from './http/parts.ts';
import { defaultProfile } from './issuance/issuance-service.ts';
import { loadProfiles } from './issuance/load-profiles.ts';
import { createHealth } from './observability/health.ts';
import { measuredIssuance, measuredRevocation } from './observability/measured.ts';
import { createMetrics } from './observability/metrics.ts';
import { readinessChecks } from './observability/readiness.ts';
import { createCrlFiles } from './revocation/crl-files.ts';
import { createRevocationService } from './revocation/revocation-service.ts';
import { createCertificateStore } from './store/certificates.ts';
import { createClientVerificationStore } from './store/client-verifications.ts';
import { createCrlStore } from './store/crls.ts';
import { createRevocationStore } from './store/revocations.ts';
import { createTokenStore } from './store/tokens.ts';
import { openCallers, readServiceAccountGrants } from './wiring/access.ts';
import { openAuthorities } from './wiring/authorities.ts';
import { createKeeper } from './wiring/crl-keeping.ts';
import { openEnforcement } from './wiring/enforcement.ts';
import { openEvents } from './wiring/events.ts';
import { createIssuance } from './wiring/issuance.ts';
import { openKubernetes } from './wiring/kubernetes.ts';
import { followNotices, openLeadership, openNotifications, tellOfRevocations } from './wiring/leadership.ts';
import { type Listeners, listen, readTls } from './wiring/listening.ts';
import { openProbing } from './wiring/probing.ts';
import { openPublisher } from './wiring/publishing.ts';
import { createRetentionWork } from './wiring/retention.ts';
import { attachScrapes } from './wiring/scrapes.ts';
import type { ServiceInput } from './wiring/service-input.ts';
import { openStore } from './wiring/store.ts';
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
  const { config, log, clock } = input;
  const metrics = createMetrics({ clock, version: await readVersion(), processMetrics: true });
  const profiles = await loadProfiles(config.issuance.profilesFile);
  const grants = await readServiceAccountGrants(config, profiles);
  const tls = await readTls(input);
  const store = await openStore(input, cleanUp);
  const { database } = store;
  const kubernetes = await openKubernetes(input, cleanUp);
  const notifications = openNotifications(input, store, cleanUp);
  const leadership = openLeadership(input, { store, kubernetes, metrics, notifications }, cleanUp);
  const authorities = await openAuthorities(input, database, kubernetes);
  const certificates = createCertificateStore(database);
  const verifications = createClientVerificationStore(database);
  const crls = createCrlFiles(createCrlStore(database), authorities.list());
  const events = openEvents(input, kubernetes, cleanUp);
  const recording = events === undefined ? {} : { events };
  const publisher = openPublisher(
    input,
    { metrics, database, kubernetes, events, leadership, verifications },
    cleanUp,
  );
  const keeper = createKeeper(input, {
    database,
    authorities,
    crls,
    publisher,
    metrics,
    leadership,
    notifications,
  });
  cleanUp.defer(() => keeper.close());
  const probing = openProbing(
    input,
    { kubernetes, database, verifications, certificates, authorities, metrics, ...recording },
    cleanUp,
  );
  const enforcement = openEnforcement(input, {
    kubernetes,
    database,
    verifications,
    publisher,
    authorities,
    ...recording,
    ...(probing === undefined ? {} : { probes: probing.reports }),
  });
  const tokenStore = createTokenStore(database);
  const admin = config.adminToken === undefined ? {} : { adminToken: config.adminToken };
  const authenticator = createAuthenticator({ store: tokenStore, clock, ...admin });
  const first = await bootstrapAdminToken({
    store: tokenStore,
    clock,
    directory: config.dataDirectory,
    ...admin,
  });
  if (first.kind === 'elsewhere') log.warn(first, 'the administrator token is not in this directory');
  else log.info(first, 'administrator token');
  const health = createHealth({
    clock,
    checks: readinessChecks({ database, authorities: authorities.list(), crls, publisher, clock }),
  });
  attachScrapes(input, { metrics, database, certificates, authorities, enforcement });
  const parts: HttpParts = {
    options: httpOptions(config),
    clock,
    logger: log,
    metrics,
    health,
    authenticator: openCallers(input, { tokens: authenticator, grants, kubernetes, metrics }),
    tokens: createTokenService({
      store: tokenStore,
      clock,
      authenticator,
      adminTokenConfigured: config.adminToken !== undefined,
    }),
    issuance: measuredIssuance(createIssuance(input, authorities, certificates, profiles), metrics),
    revocation: measuredRevocation(
      createRevocationService({
        certificates,
        revocations: createRevocationStore(database),
        clock,
        onRevoked: tellOfRevocations(notifications, { leadership, keeper }),
      }),
      metrics,
    ),
    certificates,
    authorities,
    crls,
    publisher,
    ...(enforcement === undefined ? {} : { enforcement }),
    ...(probing === undefined ? {} : { probe: probing.service }),
  };
  // What one replica at a time does. First to end, before the parts that it works with.
  cleanUp.defer(() => leadership.close());
  await leadership.start([
    keeper.leaderWork,
    publisher.leaderWork,
    ...createRetentionWork(input, certificates),
    ...(enforcement === undefined ? [] : [enforcement.leaderWork]),
    ...(probing?.leaderWorks ?? []),
  ]);
  followNotices(notifications, { leadership, keeper });
  await keeper.start();
  const listeners = await listen(input, { tls, parts, metrics }, cleanUp);
  const { url, publicUrl } = listeners;
  log.info({ url, publicUrl, kubernetes: kubernetes?.server ?? 'off' }, 'ready');
  return { listeners, drain: () => health.drain(), handOver: () => leadership.close() };
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
