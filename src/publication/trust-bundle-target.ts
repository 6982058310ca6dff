import type { ClusterTrustBundle, KubernetesApi } from '../kubernetes/client.ts';
import { describeCertificates } from './config-map-target.ts';
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
      carriesCrl: false,
      served: () => client.clusterTrustBundlesServed(),
      read: () => client.getClusterTrustBundle(name),
      isCopyOnly: ({ spec }) => spec?.signerName === undefined,
      standing: (present, content) =>
        present.spec?.trustBundle === content.caCrt ? describeCertificates(content) : undefined,
      apply: ({ content, annotations, guard, options }) =>
        client.applyClusterTrustBundle(
          {
            metadata: { name, labels: copyLabels, annotations, ...guard },
            spec: { trustBundle: content.caCrt },
          },
          options,
        ),
      describe: describeCertificates,
    },
    author,
  );
}
