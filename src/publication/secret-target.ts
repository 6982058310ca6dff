import { Fault } from '../fault.ts';
import type { KubernetesApi, Secret } from '../kubernetes/client.ts';
import {
  compareCopy,
  copyLabels,
  isOurCopy,
  markOf,
  secretLimitBytes,
  secretManifest,
  sizeOf,
} from './secret-manifest.ts';
import type { Target, WrittenCopy } from './target.ts';
import type { TrustMaterial } from './trust-material.ts';

export type SecretClient = Pick<KubernetesApi, 'getSecret' | 'applySecret' | 'patchSecret'>;

/** Another process may write between our read and our write; each time it does, somebody has made progress. */
const attempts = 5;

const keys = ['ca.crt', 'ca.crl'];

/** The Secret of one namespace. */
export function secretTarget(client: SecretClient, namespace: string, name: string): Target {
  const id = `secret:${namespace}/${name}`;

  async function writeOnce(material: TrustMaterial): Promise<WrittenCopy> {
    const present = await client.getSecret(namespace, name);
    if (present !== undefined) {
      refuseForeign(present, id);
      const standing = standingCopy(present, material);
      if (standing !== undefined) return standing;
      await removeStrangeKeys(client, present);
    }
    const manifest = secretManifest(material, name);
    const { uid } = present?.metadata ?? {};
    // Only an object that we have just seen to be ours is overwritten by force: with the uid, it cannot be another
    // one of the same name. Without it, a Secret that somebody made meanwhile ends in a conflict.
    const written = await client.applySecret(
      {
        ...manifest,
        metadata: { ...manifest.metadata, namespace, ...versionOf(present), ...(uid && { uid }) },
      },
      { force: uid !== undefined },
    );
    return copyOf(material, written, true);
  }

  return {
    id,
    limitBytes: secretLimitBytes,
    async write(material) {
      const size = sizeOf(material);
      if (size > secretLimitBytes) {
        throw new Fault(
          'conflict',
          `${id}: ca.crt and ca.crl take ${size} bytes and a Secret holds ${secretLimitBytes}; the last copy that fitted stays, and a shortened CRL is never written`,
        );
      }
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await writeOnce(material);
        } catch (error) {
          if (attempt === attempts || !isRace(error)) throw error;
        }
      }
    },
  };
}

/** With the version, an edit between our read and our write is a conflict, not a loss. */
function versionOf(present: Secret | undefined): { resourceVersion?: string } {
  const resourceVersion = present?.metadata.resourceVersion;
  // Removing strange keys moved the version on; the uid is then guard enough.
  const strange = present !== undefined && strangeKeys(present).length > 0;
  return resourceVersion === undefined || strange ? {} : { resourceVersion };
}

function refuseForeign(secret: Secret, id: string): void {
  if (!isOurCopy(secret)) {
    throw new Fault(
      'publication-refused',
      `${id} exists and is not ours (it lacks the labels ${copyLabels}); it is left alone. Delete it, or label it to hand it over`,
    );
  }
  if (secret.type !== undefined && secret.type !== 'Opaque') {
    throw new Fault(
      'publication-refused',
      `${id} has type ${secret.type}, which cannot be changed; delete it`,
    );
  }
}

/** The copy as it is, when nothing is to be written. */
function standingCopy(present: Secret, material: TrustMaterial): WrittenCopy | undefined {
  if (strangeKeys(present).length > 0) return undefined;
  const text = (key: string) => Buffer.from(present.data?.[key] ?? '', 'base64').toString();
  const mark = markOf(present.metadata.annotations, { caCrt: text('ca.crt'), caCrl: text('ca.crl') });
  const relation = compareCopy(mark, material);
  if (relation === 'same') return copyOf(material, present, false);
  if (relation !== 'newer' || mark === undefined) return undefined;
  const sizeBytes = Buffer.byteLength(text('ca.crt')) + Buffer.byteLength(text('ca.crl'));
  return { ...copyOf(material, present, false), ...mark, sizeBytes };
}

function strangeKeys(secret: Secret): string[] {
  return Object.keys(secret.data ?? {}).filter((key) => !keys.includes(key));
}

/** Server-side apply leaves what others added; a `tls.key` beside our keys would change what the controllers do. */
async function removeStrangeKeys(client: SecretClient, secret: Secret): Promise<void> {
  const strange = strangeKeys(secret);
  const { namespace, name, resourceVersion } = secret.metadata;
  if (strange.length === 0 || namespace === undefined) return;
  const data = Object.fromEntries(strange.map((key) => [key, null]));
  const guard = resourceVersion === undefined ? {} : { resourceVersion };
  await client.patchSecret(namespace, name, { type: 'merge', body: { data } }, guard);
}

function copyOf(material: TrustMaterial, secret: Secret, changed: boolean): WrittenCopy {
  const { resourceVersion } = secret.metadata;
  return {
    crlNumber: material.crlNumber,
    caFingerprints: material.caFingerprints,
    sizeBytes: sizeOf(material),
    changed,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

/** Lost a race: read again and decide again. A webhook's refusal is a conflict too, but no race. */
function isRace(error: unknown): boolean {
  return (
    error instanceof Fault &&
    error.code === 'conflict' &&
    error.reasons.length > 0 &&
    error.reasons.every(({ code }) => code !== 'admission-denied')
  );
}
