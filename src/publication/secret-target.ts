import type { KubernetesApi, Secret } from '../kubernetes/client.ts';
import { checksumOf } from './copy-checksum.ts';
import type { CopyContent } from './copy-content.ts';
import { hasCopyData, hasCopyType, isCopyOnly } from './copy-shape.ts';
import { type CopyAuthor, objectTarget } from './object-target.ts';
import {
  annotationsOfOtherForms,
  compareCopy,
  type FoundContent,
  markOf,
  secretLimitBytes,
  secretManifest,
  sizeOf,
} from './secret-manifest.ts';
import type { ClusterTarget } from './target.ts';

export type SecretClient = Pick<KubernetesApi, 'getSecret' | 'applySecret' | 'patchSecret' | 'deleteSecret'>;

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
      carriesCrl: true,
      served: async () => true,
      read: () => client.getSecret(namespace, name),
      isCopyOnly,
      unpatchable(present) {
        const holdsCopyOnly = hasCopyData(present);
        if (!hasCopyType(present))
          return { why: `has type ${present.type}, which cannot be changed`, holdsCopyOnly };
        return present.immutable === true ? { why: 'is immutable', holdsCopyOnly } : undefined;
      },
      remove: (preconditions) => client.deleteSecret(namespace, name, preconditions),
      standing(present, content) {
        if (!hasCopyType(present) || hasMembers(strayMembers(present, content))) return undefined;
        const found = contentOf(present);
        const mark = markOf(present.metadata.annotations, found);
        const relation = compareCopy(mark, content, checksumOf(content));
        if (mark === undefined || relation === 'outdated') return undefined;
        const { checksum: _checksum, ...facts } = mark;
        return { ...facts, sizeBytes: sizeOf(found) };
      },
      async clean(present, content) {
        const stray = strayMembers(present, content);
        if (!hasMembers(stray)) return false;
        // Server-side apply leaves what others added; a `tls.key` beside our keys would change what the controllers do. It
        // also leaves what we wrote ourselves under the name of a creator.
        const body = { data: stray.data, metadata: { annotations: stray.annotations } };
        const { resourceVersion } = present.metadata;
        const guard = resourceVersion === undefined ? {} : { resourceVersion };
        await client.patchSecret(namespace, name, { type: 'merge', body }, guard);
        return true;
      },
      apply({ content, annotations, guard, options }) {
        const manifest = secretManifest(content, name, annotations);
        return client.applySecret(
          { ...manifest, metadata: { ...manifest.metadata, namespace, ...guard } },
          options,
        );
      },
      describe: (content) => ({
        ...(content.form === 'none' ? {} : { crlNumber: content.crlNumber }),
        crlForm: content.form,
        caFingerprints: content.caFingerprints,
        sizeBytes: sizeOf(content),
      }),
    },
    author,
  );
}

function contentOf({ data }: Secret): FoundContent {
  const caCrl = data?.['ca.crl'];
  return { caCrt: decode(data?.['ca.crt']), ...(caCrl === undefined ? {} : { caCrl: decode(caCrl) }) };
}

function decode(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString();
}

/** Members that do not belong to this content, each with the null that takes it away in a merge patch. */
interface StrayMembers {
  readonly data: Readonly<Record<string, null>>;
  readonly annotations: Readonly<Record<string, null>>;
}

function strayMembers({ data, metadata }: Secret, { form }: CopyContent): StrayMembers {
  const keys = form === 'none' ? ['ca.crt'] : ['ca.crt', 'ca.crl'];
  const notOurs = Object.keys(data ?? {}).filter((key) => !keys.includes(key));
  const notOfThisForm = annotationsOfOtherForms(form).filter((key) => key in (metadata.annotations ?? {}));
  const gone = (names: readonly string[]) => Object.fromEntries(names.map((each) => [each, null]));
  return { data: gone(notOurs), annotations: gone(notOfThisForm) };
}

function hasMembers({ data, annotations }: StrayMembers): boolean {
  return Object.keys(data).length + Object.keys(annotations).length > 0;
}
