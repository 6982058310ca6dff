import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { encodeSecretData, type KubernetesApi } from '../../src/kubernetes/client.ts';
import { connectKubernetes } from '../../src/kubernetes/connect.ts';
import { faultOf } from '../support/faults.ts';
import type { Rule } from '../support/kubernetes/access.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/server.ts';

/** The switches of the stand-in that a real API server has not; tests of rights stand on them. */

async function setUp(
  t: TestContext,
  rules: readonly Rule[],
): Promise<{ server: ApiServer; api: KubernetesApi; token: string }> {
  const server = await startApiServer();
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-stand-in-'));
  const path = join(directory, 'kubeconfig');
  const token = server.tokenFor(rules);
  writeFileSync(path, server.kubeconfig({ token }));
  const api = await connectKubernetes({ connection: { mode: 'kubeconfig', path } });
  t.after(async () => {
    api.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  return { server, api, token };
}

it('tells which rule allowed a call, and what each rule was needed for', async (t) => {
  const core = { apiGroups: [''] };
  const named = { ...core, resources: ['secrets'], resourceNames: ['ours'], namespaces: ['internal-ca'] };
  const writing: Rule = { ...named, verbs: ['get', 'patch', 'create', 'delete'] };
  const reading: Rule = { ...core, resources: ['configmaps', 'namespaces'], verbs: ['get', 'list'] };
  const { server, api, token } = await setUp(t, [writing, reading]);
  const metadata = { name: 'ours', namespace: 'internal-ca' };
  for (const value of ['1', '2']) await api.applySecret({ metadata, data: encodeSecretData({ value }) });
  await api.getConfigMap('default', 'settings');
  assert.equal((await faultOf(api.getSecret('internal-ca', 'theirs'))).code, 'kubernetes-forbidden');

  const secret = { rule: writing, apiGroup: '', resource: 'secrets', resourceName: 'ours' };
  assert.deepEqual(server.usedRules(token), [
    { ...secret, verb: 'patch', namespace: 'internal-ca' },
    // The first apply created it.
    { ...secret, verb: 'create', namespace: 'internal-ca' },
    { rule: reading, apiGroup: '', resource: 'configmaps', verb: 'get' },
  ]);
  assert.deepEqual(
    server.calls.map(({ verb, status, allowedBy }) => ({ verb, status, allowedBy })),
    [
      { verb: 'patch', status: 201, allowedBy: writing },
      { verb: 'patch', status: 200, allowedBy: writing },
      { verb: 'get', status: 404, allowedBy: reading },
      { verb: 'get', status: 403, allowedBy: undefined },
    ],
  );
});

it('counts the right to attest as used', async (t) => {
  const certificates = { apiGroups: ['certificates.k8s.io'] };
  const bundles = { ...certificates, resources: ['clustertrustbundles'], verbs: ['create', 'patch'] };
  const attest = {
    ...certificates,
    resources: ['signers'],
    resourceNames: ['internal-ca.io/ca'],
    verbs: ['attest'],
  };
  const { server, api, token } = await setUp(t, [bundles, attest]);
  const spec = { signerName: 'internal-ca.io/ca', trustBundle: server.caPem };
  await api.applyClusterTrustBundle({ metadata: { name: 'internal-ca.io:ca:internal-ca' }, spec });
  assert.deepEqual(
    server.usedRules(token).map(({ resource, verb, resourceName }) => [resource, verb, resourceName]),
    [
      ['clustertrustbundles', 'patch', undefined],
      ['clustertrustbundles', 'create', undefined],
      ['signers', 'attest', 'internal-ca.io/ca'],
    ],
  );
});

it('holds a namespace in its end until the test lets it go', async (t) => {
  const { server, api } = await setUp(t, [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]);
  const metadata = { name: 'ours', namespace: 'default' };
  await api.applySecret({ metadata, data: {} });
  server.terminate('default');
  assert.equal((await api.getNamespace('default'))?.status?.phase, 'Terminating');
  await api.applySecret({ metadata, data: encodeSecretData({ a: '1' }) });
  assert.equal((await faultOf(api.applyConfigMap({ metadata }))).code, 'conflict');
  server.remove('v1', 'Namespace', undefined, 'default');
  assert.equal(await api.getSecret('default', 'ours'), undefined);
});
