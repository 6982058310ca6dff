import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A kubeconfig with one context, `stand-in`. JSON is YAML. */
export function kubeconfigFor(o: { url: string; caPem: string; token: string; namespace: string }): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'stand-in',
    clusters: [
      {
        name: 'stand-in',
        cluster: { server: o.url, 'certificate-authority-data': Buffer.from(o.caPem).toString('base64') },
      },
    ],
    users: [{ name: 'user', user: { token: o.token } }],
    contexts: [{ name: 'stand-in', context: { cluster: 'stand-in', user: 'user', namespace: o.namespace } }],
  });
}

export interface ServiceAccountMount {
  readonly rootPrefix: string;
  /** What the kubelet sets in a container. */
  readonly environment: {
    readonly KUBERNETES_SERVICE_HOST: string;
    readonly KUBERNETES_SERVICE_PORT: string;
  };
  /** Replaces the token, as the kubelet does about every hour. */
  rotate(token: string): void;
}

export function mountServiceAccount(
  directory: string,
  o: { port: number; caPem: string; token: string; namespace: string },
): ServiceAccountMount {
  const mount = join(directory, 'var/run/secrets/kubernetes.io/serviceaccount');
  mkdirSync(mount, { recursive: true });
  const write = (name: string, content: string) => writeFileSync(join(mount, name), content);
  write('ca.crt', o.caPem);
  write('namespace', o.namespace);
  write('token', o.token);
  return {
    rootPrefix: directory,
    environment: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(o.port) },
    rotate: (token) => write('token', token),
  };
}
