import type { ConfigMap, KubernetesApi } from '../kubernetes/client.ts';
import { copyLabels } from './copy-metadata.ts';
import { type CopyAuthor, objectTarget } from './object-target.ts';
import { secretLimitBytes } from './secret-manifest.ts';
import type { ClusterTarget } from './target.ts';
import type { TrustMaterial } from './trust-material.ts';

export type ConfigMapClient = Pick<KubernetesApi, 'getConfigMap' | 'applyConfigMap'>;

export const configMapId = (namespace: string, name: string) => `configmap:${namespace}/${name}`;

/** The ConfigMap of one namespace: `ca.crt` alone, which is what the Gateway API and workloads take. */
export function configMapTarget(
  client: ConfigMapClient,
  namespace: string,
  name: string,
  author: CopyAuthor,
): ClusterTarget {
  return objectTarget<ConfigMap>(
    {
      id: configMapId(namespace, name),
      limitBytes: secretLimitBytes,
      sizeOf: certificatesSize,
      served: async () => true,
      read: () => client.getConfigMap(namespace, name),
      standing: (present, material) =>
        present.data?.['ca.crt'] === material.caCrt ? describeCertificates(material) : undefined,
      apply: ({ material, annotations, guard, options }) =>
        client.applyConfigMap(
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: {
              name,
              namespace,
              labels: copyLabels,
              annotations,
              ...guard,
            },
            data: { 'ca.crt': material.caCrt },
          },
          options,
        ),
      describe: describeCertificates,
    },
    author,
  );
}

export function certificatesSize({ caCrt }: TrustMaterial): number {
  return Buffer.byteLength(caCrt);
}

/** Of a copy without a CRL. */
export function describeCertificates(material: TrustMaterial) {
  return { caFingerprints: material.caFingerprints, sizeBytes: certificatesSize(material) };
}
