import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubernetesApi } from '../../../src/kubernetes/client.ts';
import { type ClientOptions, connectKubernetes } from '../../../src/kubernetes/connect.ts';
import { openConnection } from '../../../src/kubernetes/connection.ts';
import { type ApiRequest, type ApiResponse, createTransport } from '../../../src/kubernetes/transport.ts';
import type { Rule } from './access.ts';
import { objectAt, stringAt } from './json.ts';
import { kubeconfigFor } from './kubeconfig.ts';
import { startApiServer } from './server.ts';

/** A cluster that the contract tests run against: the stand-in, or the one of `TEST_KUBECONFIG`. */
export interface Cluster {
  /** An administrator's. */
  readonly kubeconfig: string;
  /** Our client, as an administrator. */
  readonly admin: KubernetesApi;
  /** Our client with these permissions and no other. */
  connectAs(rules: readonly Rule[], options?: Partial<ClientOptions>): Promise<KubernetesApi>;
  /** Our client with a token that nobody gave out. */
  connectAsNobody(): Promise<KubernetesApi>;
  /** A request of somebody else: makes objects and edits them. Throws unless the answer is 2xx. */
  request(request: ApiRequest & { manager?: string }): Promise<unknown>;
  /** A token of a ServiceAccount, which is made where it is not there. Default audience: the API server. */
  serviceAccountToken(o: { namespace: string; name: string; audiences?: readonly string[] }): Promise<string>;
  /** A kubeconfig of this cluster with another token, context `stand-in`. */
  kubeconfigOf(token: string, namespace: string): Promise<string>;
  /** A new namespace, gone at the end. */
  createNamespace(): Promise<string>;
  stop(): Promise<void>;
}

export async function startStandInCluster(): Promise<Cluster> {
  const server = await startApiServer();
  const cluster = await openCluster(server.kubeconfig(), async (rules) => server.tokenFor(rules));
  return {
    ...cluster,
    async stop() {
      await cluster.stop();
      await server.stop();
    },
  };
}

/** The administrator's kubeconfig of a real cluster. Everything made there has a random name and is deleted. */
export async function openRealCluster(kubeconfig: string): Promise<Cluster> {
  return openCluster(kubeconfig, tokenWithRoles);
}

/** The cluster of `TEST_KUBECONFIG`, else the stand-in: for a test that runs on one of the two. */
export async function startTestCluster(): Promise<Cluster> {
  const kubeconfig = process.env.TEST_KUBECONFIG;
  if (kubeconfig === undefined || kubeconfig === '') return startStandInCluster();
  return openRealCluster(readFileSync(kubeconfig, 'utf8'));
}

type TokenSource = (rules: readonly Rule[], places: TokenPlaces) => Promise<string>;

interface TokenPlaces {
  readonly request: Cluster['request'];
  /** Where accounts may be made. */
  readonly home: () => Promise<string>;
  /** What lies outside of namespaces and must be deleted at the end. */
  readonly leftOver: (path: string) => void;
}

async function openCluster(kubeconfig: string, tokenFor: TokenSource): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-cluster-'));
  const clients: KubernetesApi[] = [];
  const namespaces: string[] = [];
  const leftOver: string[] = [];
  let home: Promise<string> | undefined;
  const connection = await openConnection({ mode: 'kubeconfig', path: save(kubeconfig) });
  const transport = createTransport(connection, { requestTimeoutMs: 10_000 });

  function save(text: string): string {
    const file = join(directory, randomBytes(6).toString('hex'));
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  async function connect(text: string, options: Partial<ClientOptions> = {}): Promise<KubernetesApi> {
    const client = await connectKubernetes({
      ...options,
      connection: { mode: 'kubeconfig', path: save(text) },
    });
    clients.push(client);
    return client;
  }

  /** The same server and CA with another token. */
  async function withToken(token: string, namespace = 'default'): Promise<string> {
    const { ca } = await connection.credentials();
    return kubeconfigFor({
      url: connection.server.origin,
      caPem: String(ca ?? ''),
      token,
      namespace,
    });
  }

  async function request({ manager, ...asked }: ApiRequest & { manager?: string }): Promise<unknown> {
    const query = { ...asked.query, ...(manager === undefined ? {} : { fieldManager: manager }) };
    const response: ApiResponse = await transport.send({ ...asked, query });
    if (response.status < 200 || response.status > 299) {
      throw new Error(`${asked.method} ${asked.path}: ${response.status} ${JSON.stringify(response.body)}`);
    }
    return response.body;
  }

  async function createNamespace(): Promise<string> {
    const name = `internal-ca-test-${randomBytes(4).toString('hex')}`;
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await request({ method: 'POST', path: '/api/v1/namespaces', body });
    namespaces.push(name);
    return name;
  }

  const places: TokenPlaces = {
    request,
    home: () => (home ??= createNamespace()),
    leftOver: (path) => leftOver.push(path),
  };

  return {
    kubeconfig,
    admin: await connect(kubeconfig),
    connectAs: async (rules, options) => connect(await withToken(await tokenFor(rules, places)), options),
    kubeconfigOf: withToken,
    connectAsNobody: async () => connect(await withToken('nobody-gave-this-out')),
    request,
    createNamespace,
    serviceAccountToken: (o) => requestToken(request, o),
    async stop() {
      for (const path of [...leftOver, ...namespaces.map((name) => `/api/v1/namespaces/${name}`)]) {
        await request({ method: 'DELETE', path }).catch(() => undefined);
      }
      for (const client of clients) client.close();
      transport.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A service account with a role for each rule, and a token of ten minutes for it. */
async function tokenWithRoles(
  rules: readonly Rule[],
  { request, home, leftOver }: TokenPlaces,
): Promise<string> {
  const account = { name: `internal-ca-test-${randomBytes(4).toString('hex')}`, namespace: await home() };
  for (const [index, { namespaces, ...rule }] of rules.entries()) {
    for (const namespace of namespaces ?? [undefined]) {
      const paths = await bind(`${account.name}-${index}`, account, rule, namespace, request);
      if (namespace === undefined) paths.forEach(leftOver);
    }
  }
  return requestToken(request, account);
}

/** Makes the account where it is not there. */
async function requestToken(
  request: Cluster['request'],
  o: { namespace: string; name: string; audiences?: readonly string[] },
): Promise<string> {
  const accounts = `/api/v1/namespaces/${o.namespace}/serviceaccounts`;
  await request({
    method: 'PATCH',
    path: `${accounts}/${o.name}`,
    contentType: 'application/apply-patch+yaml',
    manager: 'test',
    body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: o.name } },
  });
  const spec = { expirationSeconds: 600, ...(o.audiences && { audiences: o.audiences }) };
  const review = await request({
    method: 'POST',
    path: `${accounts}/${o.name}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec },
  });
  return stringAt(objectAt(review, 'status'), 'token') ?? '';
}

/** @returns the paths of role and binding */
async function bind(
  name: string,
  account: { readonly name: string; readonly namespace: string },
  rule: Omit<Rule, 'namespaces'>,
  namespace: string | undefined,
  request: Cluster['request'],
): Promise<string[]> {
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const base = `/apis/rbac.authorization.k8s.io/v1${scope}/${kind.toLowerCase()}`;
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await request({
    method: 'POST',
    path: `${base}s`,
    body: { apiVersion, kind, metadata: { name }, rules: [rule] },
  });
  await request({
    method: 'POST',
    path: `${base}bindings`,
    body: {
      apiVersion,
      kind: `${kind}Binding`,
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    },
  });
  return [`${base}s/${name}`, `${base}bindings/${name}`];
}
