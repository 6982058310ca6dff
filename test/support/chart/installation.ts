import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createTestDatabase } from '../database.ts';
import { isObject, type JsonObject } from '../kubernetes/json.ts';
import { type ApiServer, startApiServer } from '../kubernetes/server.ts';
import { newAdminToken, startTestService, type TestService } from '../service.ts';
import { temporaryDirectory } from './manifests.ts';
import { podEnvironment } from './pod.ts';
import { renderChart } from './render.ts';
import { rightsOf, rightsUsed, rulesOf } from './rights.ts';

/** The real service as the chart installs it: its settings, and its rights on the stand-in, which has nothing else. */
export interface Installation {
  readonly server: ApiServer;
  /** Calls that the chart's rights did not cover. */
  refusals(): string[];
  /** Rights of the chart that were not needed so far. */
  unused(): string[];
  /** Starts one more replica. */
  replica(): Promise<TestService>;
}

/** Namespaces of the stand-in: the service's own, and others with Ingresses. */
export const namespaces = ['internal-ca', 'shop', 'edge', 'other', 'ingress-nginx'];

export async function install(t: TestContext, set: readonly string[]): Promise<Installation> {
  const server = await startApiServer({ namespaces });
  t.after(() => server.stop());
  server.put(ingressClass);
  for (const namespace of ['shop', 'other']) server.put(ingress(namespace, 'web'));
  const manifests = renderChart({ set });
  const rules = rulesOf(manifests);
  const token = server.tokenFor(rules);
  const directory = temporaryDirectory(t);
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig({ token, namespace: 'internal-ca' }));
  const env = settingsOf(manifests, directory, { kubeconfig, context: 'stand-in' });
  const { url: databaseUrl } = await createTestDatabase(t);
  return {
    server,
    refusals: () =>
      server.calls
        .filter(({ status }) => status === 403)
        .map(({ verb, resource, namespace, name }) => `${verb} ${resource} ${namespace ?? ''}/${name ?? ''}`),
    unused() {
      const used = new Set(rightsUsed(server.usedRules(token)));
      return rightsOf(rules).filter((right) => !used.has(right));
    },
    replica: () => startTestService(t, { inProcess: true, databaseUrl, env }),
  };
}

/** What the chart sets, but for what the machine of a test is and not how the service is set up. */
export function settingsOf(
  manifests: readonly JsonObject[],
  directory: string,
  o: { readonly kubeconfig: string; readonly context: string },
): Record<string, string> {
  const pod = podEnvironment(manifests, directory);
  const { DATABASE_URL_FILE: _file, ADMIN_TOKEN_FILE: _token, DATA_DIR: _data, ...settings } = pod;
  return {
    ...settings,
    HOST: '127.0.0.1',
    PORT: '0',
    HTTP_DRAIN_DELAY: '0',
    KUBERNETES: 'kubeconfig',
    KUBECONFIG: o.kubeconfig,
    KUBERNETES_CONTEXT: o.context,
    ADMIN_TOKEN: newAdminToken(),
    LEADERSHIP_LEASE_DURATION: '3',
  };
}

const ingressClass = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'nginx' },
  spec: { controller: 'k8s.io/ingress-nginx' },
};

/** An Ingress of class nginx with TLS for a host of its own. */
export function ingress(
  namespace: string,
  name: string,
  annotations: Record<string, string> = {},
): JsonObject {
  const host = `${name}.${namespace}.example.com`;
  const service = { name: 'web', port: { number: 80 } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace, annotations },
    spec: {
      ingressClassName: 'nginx',
      tls: [{ hosts: [host], secretName: 'public-tls' }],
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service } }] } }],
    },
  };
}

/** The object, which has to be there. */
export function present(
  server: ApiServer,
  apiVersion: string,
  kind: string,
  namespace: string | undefined,
  name: string,
) {
  const found = server.read(apiVersion, kind, namespace, name);
  assert.ok(isObject(found), `${kind} ${namespace ?? ''}/${name}`);
  return found;
}
