import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { systemClock } from '../../src/clock.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { startService } from '../../src/service.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Rule } from '../support/kubernetes/access.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/server.ts';
import { findTool, skipUnless } from '../support/skip.ts';

/** The chart's RBAC, held against what the service really asks of the API: enough, and not more. */

const chart = fileURLToPath(new URL('../../helm/internal-ca', import.meta.url));
const adminToken = 'chart-rights-chart-rights-chart-rights';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
}

/** The rules that the rendered chart binds to the service's account in namespace `internal-ca`. */
function renderedRules(values: readonly string[]): Rule[] {
  const set = values.flatMap((value) => ['--set', value]);
  const text = execFileSync(findTool('helm') ?? 'helm', [
    'template',
    'internal-ca',
    chart,
    '-n',
    'internal-ca',
    ...set,
  ]);
  const manifests: (Manifest | null)[] = parseAllDocuments(text.toString()).map((document) =>
    document.toJS(),
  );
  return manifests.flatMap((manifest) => {
    if (manifest === null || !/^(Cluster)?Role$/.test(manifest.kind)) return [];
    const { namespace } = manifest.metadata;
    return (manifest.rules ?? []).map((rule) =>
      namespace === undefined ? rule : { ...rule, namespaces: [namespace] },
    );
  });
}

async function cluster(t: TestContext): Promise<ApiServer> {
  const server = await startApiServer({ namespaces: ['internal-ca', 'shop', 'edge', 'other'] });
  t.after(() => server.stop());
  server.put({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'nginx' },
    spec: { controller: 'k8s.io/ingress-nginx' },
  });
  for (const namespace of ['shop', 'other']) server.put(ingressIn(namespace));
  return server;
}

function ingressIn(namespace: string) {
  const host = `${namespace}.example.com`;
  const service = { name: 'web', port: { number: 80 } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web', namespace },
    spec: {
      ingressClassName: 'nginx',
      tls: [{ hosts: [host], secretName: 'public-tls' }],
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service } }] } }],
    },
  };
}

/** The service with the rights of the chart and nothing else. */
async function serve(t: TestContext, server: ApiServer, rules: readonly Rule[], env: NodeJS.ProcessEnv) {
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-chart-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig({ token: server.tokenFor(rules), namespace: 'internal-ca' }));
  const { url: databaseUrl } = await createTestDatabase(t);
  const config = loadConfig({
    PORT: '0',
    DATA_DIR: directory,
    DATABASE_URL: databaseUrl,
    ADMIN_TOKEN: adminToken,
    KUBERNETES: 'kubeconfig',
    KUBECONFIG: kubeconfig,
    KUBERNETES_CONTEXT: 'stand-in',
    CA_KEY_STORE: 'secret',
    ...env,
  });
  const log = createLogger({ level: 'silent' });
  const service = await startService({ config, env: {}, log, clock: systemClock });
  t.after(() => service.close());
  return async (method: string, path: string): Promise<{ status: number; body: string }> => {
    const answer = await fetch(`${service.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      ...(method === 'PUT' ? { body: '{}' } : {}),
    });
    return { status: answer.status, body: await answer.text() };
  };
}

const external = ['database.existingSecret=db', 'adminToken.existingSecret=admin'];
const verification = (namespace: string) => `/v1/namespaces/${namespace}/ingresses/web/client-verification`;

test('with the rights of the chart the service publishes, enforces and undoes, and is refused nothing', async (t) => {
  if (skipUnless(t, 'helm')) return;
  const server = await cluster(t);
  const rules = renderedRules([...external, 'publication.namespaces={edge}']);
  const call = await serve(t, server, rules, { PUBLICATION_NAMESPACES: 'edge' });
  const enforced = await call('PUT', verification('shop'));
  assert.equal(enforced.status, 200, enforced.body);
  for (const namespace of ['internal-ca', 'edge', 'shop']) {
    assert.notEqual(server.read('v1', 'Secret', namespace, 'internal-ca'), undefined, namespace);
  }
  const undone = await call('DELETE', verification('shop'));
  assert.ok(undone.status < 300, undone.body);
  assert.equal(server.read('v1', 'Secret', 'shop', 'internal-ca'), undefined);
  assert.deepEqual(
    server.calls.filter(({ status }) => status === 403),
    [],
  );
});

test('with named namespaces it may change Ingresses there and nowhere else', async (t) => {
  if (skipUnless(t, 'helm')) return;
  const server = await cluster(t);
  const call = await serve(t, server, renderedRules([...external, 'enforcement.namespaces={shop}']), {});
  const enforced = await call('PUT', verification('shop'));
  assert.equal(enforced.status, 200, enforced.body);
  const refused = await call('PUT', verification('other'));
  assert.equal(refused.status, 503, refused.body);
  assert.equal(server.read('v1', 'Secret', 'other', 'internal-ca'), undefined);
});

test('no rule reaches a Secret of another name, but to create the key in the own namespace', (t) => {
  if (skipUnless(t, 'helm')) return;
  const rules = renderedRules(external).filter((rule) => rule.resources.includes('secrets'));
  assert.ok(rules.length > 0);
  const open = rules.filter((rule) => rule.resourceNames === undefined);
  assert.deepEqual(open, [
    { apiGroups: [''], resources: ['secrets'], verbs: ['create'], namespaces: ['internal-ca'] },
  ]);
  assert.deepEqual(
    new Set(rules.flatMap((rule) => rule.resourceNames ?? [])),
    new Set(['internal-ca', 'internal-ca-key']),
  );
});
