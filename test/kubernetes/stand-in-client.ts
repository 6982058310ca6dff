import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { encodeSecretData, type KubernetesApi } from '../../src/kubernetes/client.ts';
import { type ClientOptions, connectKubernetes } from '../../src/kubernetes/connect.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../support/kubernetes/server.ts';

export const secret = (name: string, value = '1') => ({
  type: 'Opaque',
  metadata: { name, namespace: 'internal-ca' },
  data: encodeSecretData({ value }),
});

export interface Setup {
  readonly server: ApiServer;
  readonly api: KubernetesApi;
  readonly directory: string;
}

/** The stand-in, and our client as an administrator. */
export async function setUp(
  t: TestContext,
  o: { client?: Partial<ClientOptions>; server?: ApiServerOptions } = {},
): Promise<Setup> {
  const server = await startApiServer(o.server);
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-kubernetes-'));
  const path = join(directory, 'kubeconfig');
  writeFileSync(path, server.kubeconfig());
  const watchBackOff = { initialMs: 5, maxMs: 20 };
  const api = await connectKubernetes({
    watchBackOff,
    ...o.client,
    connection: { mode: 'kubeconfig', path },
  });
  t.after(async () => {
    api.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  return { server, api, directory };
}

export const hasCode = (code: string, words?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Fault);
  assert.equal(error.code, code, error.message);
  if (words !== undefined) assert.match(error.message, words);
  return true;
};
