import type { KubernetesApi, Secret } from '../kubernetes/client.ts';
import { type CopyAuthor, objectTarget } from './object-target.ts';
import { compareCopy, markOf, secretLimitBytes, secretManifest, sizeOf } from './secret-manifest.ts';
import type { ClusterTarget } from './target.ts';

export type SecretClient = Pick<KubernetesApi, 'getSecret' | 'applySecret' | 'patchSecret'>;

const keys = ['ca.crt', 'ca.crl'];

export const secretId = (namespace: string, name: string) => `secret:${namespace}/${name}`;

/** The Secret of one namespace. */
export function secretTarget(
  client: SecretClient,
  namespace: string,
  name: string,
  author: CopyAuthor,
): ClusterTarget {
  return objectTarget<Secret>(
    {
      id: secretId(namespace, name),
      limitBytes: secretLimitBytes,
      sizeOf,
      served: async () => true,
      read: () => client.getSecret(namespace, name),
      refusal: ({ type }) =>
        type === undefined || type === 'Opaque'
          ? undefined
          : `has type ${type}, which cannot be changed; delete it`,
      standing(present, material) {
        if (strangeKeys(present).length > 0) return undefined;
        const content = { caCrt: textOf(present, 'ca.crt'), caCrl: textOf(present, 'ca.crl') };
        const mark = markOf(present.metadata.annotations, content);
        const relation = compareCopy(mark, material);
        if (mark === undefined || relation === 'outdated') return undefined;
        const { crlNumber, caFingerprints } = mark;
        return { crlNumber, caFingerprints, sizeBytes: sizeOf(content) };
      },
      async clean(present) {
        const strange = strangeKeys(present);
        if (strange.length === 0) return false;
        // Server-side apply leaves what others added; a `tls.key` beside our keys would change what the controllers do.
        const data = Object.fromEntries(strange.map((key) => [key, null]));
        const { resourceVersion } = present.metadata;
        const guard = resourceVersion === undefined ? {} : { resourceVersion };
        await client.patchSecret(namespace, name, { type: 'merge', body: { data } }, guard);
        return true;
      },
      apply({ material, annotations, guard, options }) {
        const manifest = secretManifest(material, name, annotations);
        return client.applySecret(
          { ...manifest, metadata: { ...manifest.metadata, namespace, ...guard } },
          options,
        );
      },
      describe: (material) => ({
        crlNumber: material.crlNumber,
        caFingerprints: material.caFingerprints,
        sizeBytes: sizeOf(material),
      }),
    },
    author,
  );
}

function textOf(secret: Secret, key: string): string {
  return Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
}

function strangeKeys(secret: Secret): string[] {
  return Object.keys(secret.data ?? {}).filter((key) => !keys.includes(key));
}
