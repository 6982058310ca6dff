import type { ConfigMap, KubernetesApi } from '../kubernetes/client.ts';
import type { CopyContent } from './copy-content.ts';
import { copyLabels } from './copy-metadata.ts';
import { isConfigMapCopyOnly } from './copy-shape.ts';
import { type CopyAuthor, objectTarget } from './object-target.ts';
import { secretLimitBytes } from './secret-manifest.ts';
import type { ClusterTarget } from './target.ts';

export type ConfigMapClient = Pick<KubernetesApi, 'getConfigMap' | 'applyConfigMap' | 'deleteConfigMap'>;

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
      carriesCrl: false,
      served: async () => true,
      read: () => client.getConfigMap(namespace, name),
      isCopyOnly: isConfigMapCopyOnly,
      unpatchable: (present) =>
        present.immutable === true
          ? { why: 'is immutable', holdsCopyOnly: isConfigMapCopyOnly(present) }
          : undefined,
      remove: (preconditions) => client.deleteConfigMap(namespace, name, preconditions),
      standing: (present, content) =>
        present.data?.['ca.crt'] === content.caCrt ? describeCertificates(content) : undefined,
      apply: ({ content, annotations, guard, options }) =>
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
            data: { 'ca.crt': content.caCrt },
          },
          options,
        ),
      describe: describeCertificates,
    },
    author,
  );
}

/** Of a copy that never carries a CRL. */
export function describeCertificates({ caFingerprints, caCrt }: CopyContent) {
  return { caFingerprints, sizeBytes: Buffer.byteLength(caCrt) };
}
