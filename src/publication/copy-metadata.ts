import type { KubernetesObject } from '../kubernetes/client.ts';

/** What every object in the cluster that is a copy of ours carries, whatever its kind. */

const managedByLabel = 'app.kubernetes.io/managed-by';
const copyLabel = 'internal-ca.io/copy';
const epochAnnotation = 'internal-ca.io/epoch';
const writtenAtAnnotation = 'internal-ca.io/written-at';

export const copyLabels = { [managedByLabel]: 'internal-ca', [copyLabel]: 'true' };

/** The same, as `kubectl label` takes them. */
export const copyLabelsText = Object.entries(copyLabels)
  .map(([key, value]) => `${key}=${value}`)
  .join(' ');

/**
 * Ours to overwrite and to delete. Both labels: the Secret of the CA's key carries the first one too, and must never be
 * taken for a copy, whatever the configuration says.
 */
export function isOurCopy({ metadata }: Pick<KubernetesObject, 'metadata'>): boolean {
  return Object.entries(copyLabels).every(([key, value]) => metadata.labels?.[key] === value);
}

/** In which term a copy was written, and when. */
export function writeAnnotations(epoch: bigint, at: Date): Record<string, string> {
  return { [epochAnnotation]: epoch.toString(), [writtenAtAnnotation]: at.toISOString() };
}

/** 0 where none is told, or where somebody made it something else. */
export function epochOf({ metadata }: Pick<KubernetesObject, 'metadata'>): bigint {
  const text = metadata.annotations?.[epochAnnotation] ?? '';
  return /^\d{1,18}$/.test(text) ? BigInt(text) : 0n;
}

export function writtenAtOf({ metadata }: Pick<KubernetesObject, 'metadata'>): Date | undefined {
  const at = new Date(metadata.annotations?.[writtenAtAnnotation] ?? '');
  return Number.isNaN(at.getTime()) ? undefined : at;
}
