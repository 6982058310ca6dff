import type { FastifyInstance } from 'fastify';
import { ConfigError } from '../config/config-error.ts';
import { buildHttpApp, buildPublicApp } from '../http/app.ts';
import type { HttpParts } from '../http/parts.ts';
import { readTlsIdentity, type TlsFiles, type TlsIdentity } from '../http/tls-identity.ts';
import { createTlsListener, type TlsListener } from '../http/tls-listener.ts';
import { startTlsReload } from '../http/tls-reload.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ServiceInput } from './service-input.ts';

/** The ports of the service, open. */
export interface Listeners {
  readonly url: string;
  /** Of HTTP_PUBLIC_PORT. */
  readonly publicUrl?: string;
  /** No new connections; resolves when what is in flight is answered, or its connection was ended. */
  close(patienceMilliseconds: number): Promise<void>;
}

/** The files of TLS_CERTIFICATE_FILE and TLS_KEY_FILE, checked, and where they are. */
export interface ConfiguredTls {
  readonly files: TlsFiles;
  readonly identity: TlsIdentity;
}

/** Needs nothing but files, so that a mistake is found before a CA is made. @throws ConfigError */
export async function readTls({ config }: ServiceInput): Promise<ConfiguredTls | undefined> {
  const { certificateFile, keyFile } = config.tls;
  if (certificateFile === undefined || keyFile === undefined) return undefined;
  const files = { certificateFile, keyFile };
  return { files, identity: await readTlsIdentity(files) };
}

/** Opens the ports; they are closed at once when a later part of the start fails. */
export async function listen(
  input: ServiceInput,
  { tls, parts, metrics }: { tls: ConfiguredTls | undefined; parts: HttpParts; metrics: Metrics },
  cleanUp: AsyncDisposableStack,
): Promise<Listeners> {
  const { host, port, http } = input.config;
  const listener = tls === undefined ? undefined : followTls(input, tls, metrics, cleanUp);
  const app = await buildHttpApp(parts, listener);
  cleanUp.defer(() => app.close());
  const address = await app.listen({ host, port, listenTextResolver: (at) => `listening at ${scheme(at)}` });
  const apps = [app];
  let publicUrl: string | undefined;
  if (http.publicPort !== undefined) {
    const publicApp = await buildPublicApp(parts);
    cleanUp.defer(() => publicApp.close());
    publicUrl = await listenPublicly(publicApp, host, http.publicPort);
    apps.push(publicApp);
  }
  return {
    url: scheme(address),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    close: (patience) => closeAll(apps, patience),
  };

  function scheme(at: string): string {
    return listener === undefined ? at : at.replace(/^http:/, 'https:');
  }
}

async function listenPublicly(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port, listenTextResolver: (at) => `public files at ${at}` });
  } catch (error) {
    throw new ConfigError('HTTP_PUBLIC_PORT', error instanceof Error ? error.message : String(error));
  }
}

/** Serves with the files as they are now, and with what they become. */
function followTls(
  { log, clock }: ServiceInput,
  { files, identity }: ConfiguredTls,
  metrics: Metrics,
  cleanUp: AsyncDisposableStack,
): TlsListener {
  const listener = createTlsListener(identity);
  const served = ({ notAfter }: TlsIdentity): void => {
    metrics.tlsServed(notAfter);
    if (clock.now() >= notAfter.getTime()) log.warn({ notAfter }, 'the TLS certificate has expired');
  };
  served(identity);
  const reload = startTlsReload({
    read: () => readTlsIdentity(files),
    current: identity,
    onChanged(next) {
      listener.use(next);
      served(next);
      log.info({ notAfter: next.notAfter }, 'the TLS certificate was exchanged');
    },
    onFailed(error) {
      metrics.tlsReloadFailed();
      log.error(
        { err: error },
        'the new TLS files cannot be used; the certificate before goes on being served',
      );
    },
  });
  cleanUp.defer(() => reload.close());
  return listener;
}

async function closeAll(apps: readonly FastifyInstance[], patienceMilliseconds: number): Promise<void> {
  const patience = setTimeout(() => {
    for (const { server } of apps) server.closeAllConnections();
  }, patienceMilliseconds);
  try {
    await Promise.all(apps.map((app) => app.close()));
  } finally {
    clearTimeout(patience);
  }
}
