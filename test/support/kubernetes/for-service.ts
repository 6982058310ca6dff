import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { TestScope } from '../database.ts';
import type { Cluster } from './cluster.ts';
import { type ApiServer, startApiServer } from './server.ts';

/** The stand-in with what a service needs to find it. */
export interface ServiceCluster {
  readonly api: ApiServer;
  /** Configuration for `startTestService`. */
  readonly env: Readonly<Record<string, string>>;
  /** A plain Ingress of class nginx with TLS for `host`. */
  placeIngress(namespace: string, name: string, host: string): void;
}

/** Namespaces `internal-ca` (the service's own) and `app`, and the IngressClass `nginx`. */
export async function startServiceCluster(t: TestScope): Promise<ServiceCluster> {
  const api = await startApiServer({ namespaces: ['internal-ca', 'app'] });
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-kubeconfig-'));
  t.after(async () => {
    await api.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, api.kubeconfig());
  api.put({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'nginx' },
    spec: { controller: 'k8s.io/ingress-nginx' },
  });
  return {
    api,
    env: { KUBERNETES: 'kubeconfig', KUBECONFIG: kubeconfig, KUBERNETES_CONTEXT: 'stand-in' },
    placeIngress(namespace, name, host) {
      const backend = { service: { name: 'web', port: { number: 80 } } };
      api.put({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name, namespace },
        spec: {
          ingressClassName: 'nginx',
          rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
          tls: [{ hosts: [host], secretName: 'public-tls' }],
        },
      });
    },
  };
}

/** Configuration for `startTestService`: this cluster, as its administrator, with `namespace` as the service's own. */
export async function settingsFor(
  t: TestScope,
  { kubeconfig }: Pick<Cluster, 'kubeconfig'>,
  namespace: string,
): Promise<Readonly<Record<string, string>>> {
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-kubeconfig-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'kubeconfig');
  await writeFile(file, kubeconfig, { mode: 0o600 });
  return {
    KUBERNETES: 'kubeconfig',
    KUBECONFIG: file,
    KUBERNETES_CONTEXT: String(parse(kubeconfig)['current-context']),
    KUBERNETES_NAMESPACE: namespace,
  };
}
