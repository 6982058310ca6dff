import { Fault } from '../fault.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { KeyStore } from './key-store.ts';

const dataKey = 'ca.key';

/**
 * Keeps the key in a Secret of the service's own namespace. It is never the published Secret: every ingress
 * controller may read that one (rule 4).
 */
export function createSecretKeyStore(
  api: Pick<KubernetesApi, 'namespace' | 'getSecret' | 'createSecret'>,
  secretName: string,
): KeyStore {
  const location = `Secret ${api.namespace}/${secretName}`;
  const load = async (): Promise<string | undefined> => {
    const secret = await api.getSecret(api.namespace, secretName);
    if (secret === undefined) return undefined;
    const encoded = secret.data?.[dataKey];
    // An empty Secret of that name is no reason to make a second CA: somebody prepared or damaged it.
    if (encoded === undefined) throw new Error(`${location} has no ${dataKey}`);
    return Buffer.from(encoded, 'base64').toString('utf8');
  };
  return {
    location,
    load,
    async createIfAbsent(name, pem) {
      try {
        await api.createSecret({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: {
            namespace: api.namespace,
            name: secretName,
            labels: { 'app.kubernetes.io/managed-by': 'internal-ca', 'internal-ca.io/authority': name },
          },
          type: 'Opaque',
          data: { [dataKey]: Buffer.from(pem).toString('base64') },
        });
        return pem;
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'conflict') throw error;
        const winner = await load();
        if (winner === undefined) throw error;
        return winner;
      }
    },
  };
}
