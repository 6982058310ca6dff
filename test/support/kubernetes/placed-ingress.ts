import type { Cluster } from './cluster.ts';

const networking = '/apis/networking.k8s.io/v1';

/** An Ingress `web` with a server certificate of a public CA, and a class of its own: a real cluster may have others. */
export interface PlacedIngress {
  readonly namespace: string;
  readonly className: string;
  readonly host: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What an operator has before us. */
export async function createIngress(
  { request }: Pick<Cluster, 'request'>,
  placed: PlacedIngress,
): Promise<void> {
  await request({
    method: 'POST',
    path: `${networking}/ingressclasses`,
    body: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: placed.className },
      spec: { controller: 'k8s.io/ingress-nginx' },
    },
  });
  const backend = { service: { name: 'web', port: { number: 80 } } };
  await request({
    method: 'POST',
    path: `${networking}/namespaces/${placed.namespace}/ingresses`,
    body: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'web', annotations: placed.annotations ?? {} },
      spec: {
        ingressClassName: placed.className,
        tls: [{ hosts: [placed.host], secretName: 'public-tls' }],
        rules: [{ host: placed.host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
      },
    },
  });
}

export async function removeIngress(
  { request }: Pick<Cluster, 'request'>,
  placed: PlacedIngress,
): Promise<void> {
  await request({ method: 'DELETE', path: `${networking}/namespaces/${placed.namespace}/ingresses/web` });
  await request({ method: 'DELETE', path: `${networking}/ingressclasses/${placed.className}` });
}
