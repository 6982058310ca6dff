import type { KubernetesObject } from '../kubernetes/client.ts';

/** What every object in the cluster that is a copy of ours carries, whatever its kind. */

const managedByLabel = 'app.kubernetes.io/managed-by';
const copyLabel = 'internal-ca.io/copy';
const epochAnnotation = 'internal-ca.io/epoch';
const writtenAtAnnotation = 'internal-ca.io/written-at';
const ownerAnnotation = 'internal-ca.io/owner';

export const copyLabels = { [managedByLabel]: 'internal-ca', [copyLabel]: 'true' };

/** The same, as `kubectl label` takes them. */
const copyLabelsText = Object.entries(copyLabels)
  .map(([key, value]) => `${key}=${value}`)
  .join(' ');

/** What tells installations in one cluster apart: `namespace/lease`. Of one Lease there is one leader, so one writer. */
export type CopyOwner = string;

type WithMetadata = Pick<KubernetesObject, 'metadata'>;

/**
 * Ours to write. Both labels: the Secret of the CA's key carries the first one too, and must never be taken for a copy,
 * whatever the configuration says. Without an owner the labels were set by hand: see `wasWrittenByUs`.
 */
export function isOurCopy(object: WithMetadata, owner: CopyOwner): boolean {
  return isCopy(object) && (ownerOf(object) ?? owner) === owner;
}

/** True when it says that this installation wrote it. Who edits the object can say so too: see `copy-shape.ts`. */
export function wasWrittenByUs(object: WithMetadata, owner: CopyOwner): boolean {
  return isCopy(object) && ownerOf(object) === owner && writtenAtOf(object) !== undefined;
}

/** Of this or of another installation. */
export function isCopy({ metadata }: WithMetadata): boolean {
  return Object.entries(copyLabels).every(([key, value]) => metadata.labels?.[key] === value);
}

export function ownerOf({ metadata }: WithMetadata): CopyOwner | undefined {
  return metadata.annotations?.[ownerAnnotation];
}

/** Whose a copy is, in which term it was written, and when. */
export function writeAnnotations(owner: CopyOwner, epoch: bigint, at: Date): Record<string, string> {
  return {
    [ownerAnnotation]: owner,
    [epochAnnotation]: epoch.toString(),
    [writtenAtAnnotation]: at.toISOString(),
  };
}

/** Why an object with the name of a copy is not touched. */
export function whyForeign(object: WithMetadata): string {
  if (!isCopy(object)) {
    return `exists and is not ours (it lacks the labels ${copyLabelsText}); it is left alone. Publish under another name`;
  }
  return `is a copy of another installation, ${ownerOf(object)}; it is left alone. Publish under another name`;
}

/** 0 where none is told, or where somebody made it something else. */
export function epochOf({ metadata }: WithMetadata): bigint {
  const text = metadata.annotations?.[epochAnnotation] ?? '';
  return /^\d{1,18}$/.test(text) ? BigInt(text) : 0n;
}

/** As `writeAnnotations` writes it. Whoever may write the object may put any text there, such as a year that no row can hold. */
export function writtenAtOf({ metadata }: WithMetadata): Date | undefined {
  const text = metadata.annotations?.[writtenAtAnnotation] ?? '';
  const at = new Date(text);
  return !Number.isNaN(at.getTime()) && at.toISOString() === text && /^\d{4}-/.test(text) ? at : undefined;
}
