import type { ClusterTrustBundle, KubernetesApi } from '../kubernetes/client.ts';
import { certificatesSize, describeCertificates } from './config-map-target.ts';
import { copyLabels } from './copy-metadata.ts';
import { type CopyAuthor, objectTarget } from './object-target.ts';
import { secretLimitBytes } from './secret-manifest.ts';
import type { ClusterTarget } from './target.ts';

export type TrustBundleClient = Pick<
  KubernetesApi,
  'clusterTrustBundlesServed' | 'getClusterTrustBundle' | 'applyClusterTrustBundle'
>;

export const trustBundleId = (name: string) => `clustertrustbundle:${name}`;

/** The CA certificates for pods of every namespace, without a signer: nobody needs the right to attest for one. */
export function trustBundleTarget(
  client: TrustBundleClient,
  name: string,
  author: CopyAuthor,
): ClusterTarget {
  return objectTarget<ClusterTrustBundle>(
    {
      id: trustBundleId(name),
      limitBytes: secretLimitBytes,
      sizeOf: certificatesSize,
      served: () => client.clusterTrustBundlesServed(),
      read: () => client.getClusterTrustBundle(name),
      standing: (present, material) =>
        present.spec?.trustBundle === material.caCrt ? describeCertificates(material) : undefined,
      apply: ({ material, annotations, guard, options }) =>
        client.applyClusterTrustBundle(
          {
            metadata: { name, labels: copyLabels, annotations, ...guard },
            spec: { trustBundle: material.caCrt },
          },
          options,
        ),
      describe: describeCertificates,
    },
    author,
  );
}
