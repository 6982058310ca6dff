import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import { delimiter } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { Fault } from '../fault.ts';

/** How to find the API server. There is no default: nobody's current context is ever used by accident. */
export type ConnectionSettings =
  | {
      readonly mode: 'in-cluster';
      /** Prefix of `/var/run/secrets/kubernetes.io/serviceaccount`, for tests. */
      readonly rootPrefix?: string;
    }
  | {
      readonly mode: 'kubeconfig';
      /** One or several files, separated as in `KUBECONFIG`. */
      readonly path: string;
      /** Default: the `current-context` of that file. */
      readonly context?: string;
    };

/** Where to send requests and with what credentials. */
export interface Connection {
  readonly server: URL;
  readonly namespace: string;
  /** TLS options, agent and Authorization header of one request; reads rotated tokens and certificates again. */
  credentials(): Promise<RequestOptions>;
  /** Forgets a cached token: the service account's token was rotated (the API server answered 401). */
  refresh(): void;
  close(): void;
}

/**
 * Loads the credentials. `@kubernetes/client-node` reads kubeconfig files and knows every way to authenticate (token,
 * certificate, exec plug-in, OIDC); it is loaded here only, since it costs a third of a second.
 * @throws Fault `kubernetes-unavailable` when the settings do not lead to a server.
 */
export async function openConnection(settings: ConnectionSettings): Promise<Connection> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const load = () => loadKubeConfig(new KubeConfig(), () => new KubeConfig(), settings);
  let kubeConfig = load();
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) throw noServer(settings, 'there is no current cluster');
  const agents = createAgentCache();
  return {
    server: new URL(cluster.server),
    namespace: kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace?.trim() || 'default',
    async credentials() {
      const options: RequestOptions = {};
      await kubeConfig.applyToHTTPSOptions(options);
      // A proxy's agent is the library's; otherwise ours, which keeps connections alive.
      return cluster.proxyUrl === undefined ? { ...options, agent: agents.for(options) } : options;
    },
    refresh() {
      kubeConfig = load();
    },
    close: () => agents.close(),
  };
}

function loadKubeConfig(
  kubeConfig: KubeConfig,
  another: () => KubeConfig,
  settings: ConnectionSettings,
): KubeConfig {
  try {
    if (settings.mode === 'in-cluster') {
      kubeConfig.loadFromCluster(settings.rootPrefix);
      return kubeConfig;
    }
    const [first, ...rest] = settings.path.split(delimiter).filter((file) => file !== '');
    if (first === undefined) throw new Error('no kubeconfig file is named');
    kubeConfig.loadFromFile(first);
    for (const file of rest) {
      const more = another();
      more.loadFromFile(file);
      kubeConfig.mergeConfig(more, true);
    }
    if (settings.context !== undefined) kubeConfig.setCurrentContext(settings.context);
    return kubeConfig;
  } catch (error) {
    throw noServer(settings, error instanceof Error ? error.message : String(error));
  }
}

function noServer(settings: ConnectionSettings, why: string): Fault {
  const source =
    settings.mode === 'in-cluster'
      ? 'the service account'
      : `kubeconfig ${settings.path}${settings.context === undefined ? '' : `, context ${settings.context}`}`;
  return new Fault('kubernetes-unavailable', `No API server from ${source}: ${why}`);
}

/** One keep-alive agent for as long as CA and client certificate stay the same: both may be rotated on disk. */
function createAgentCache() {
  let agent: Agent | undefined;
  let present = '';
  return {
    for(options: RequestOptions): Agent {
      const tls = tlsOf(options);
      const wanted = Object.entries(tls).map(String).join('\0');
      if (agent === undefined || wanted !== present) {
        agent?.destroy();
        agent = new Agent({ keepAlive: true, ...tls });
        present = wanted;
      }
      return agent;
    },
    close() {
      agent?.destroy();
    },
  };
}

function tlsOf(options: RequestOptions): AgentOptions {
  const names = ['ca', 'cert', 'key', 'passphrase', 'rejectUnauthorized', 'servername'] as const;
  return Object.fromEntries(
    names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  );
}
