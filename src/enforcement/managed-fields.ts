import { fieldManager } from '../kubernetes/client.ts';
import type { Ingress, ManagedFieldsEntry } from '../kubernetes/objects.ts';
import { membersOf } from '../members-of.ts';

interface Ownership {
  readonly managers: ReadonlyMap<string, readonly string[]>;
  readonly applied: readonly string[];
  readonly updated: readonly string[];
}

const known = new WeakMap<Ingress, Ownership>();

/** Read once of each object, which never changes: a tenant can name any manager for any number of fields. */
function ownershipOf(ingress: Ingress): Ownership {
  const ownership = known.get(ingress) ?? readOwnership(ingress);
  known.set(ingress, ownership);
  return ownership;
}

function readOwnership({ metadata }: Ingress): Ownership {
  const managers = new Map<string, string[]>();
  const applied: string[] = [];
  const updated: string[] = [];
  for (const entry of metadata.managedFields ?? []) {
    const annotations = annotationsIn(entry);
    const ours = entry.operation === 'Apply' ? applied : updated;
    for (const annotation of annotations) {
      const holders = managers.get(annotation);
      if (holders === undefined) managers.set(annotation, [entry.manager ?? 'unknown']);
      else holders.push(entry.manager ?? 'unknown');
      if (entry.manager === fieldManager && entry.operation !== undefined) ours.push(annotation);
    }
  }
  return { managers, applied, updated };
}

/** The managers that hold an annotation, ours included; none when the API server does not say. */
export function managersOf(ingress: Ingress, annotation: string): readonly string[] {
  return ownershipOf(ingress).managers.get(annotation) ?? [];
}

/** The annotations that our own server-side apply holds: those that the next apply would remove by not naming them. */
export function annotationsWeApplied(ingress: Ingress): readonly string[] {
  return ownershipOf(ingress).applied;
}

/**
 * The annotations that we hold, but not by an apply: what a restoration put back, or an admission policy made of a write of
 * ours. To the API server that is another manager, with whom our next apply would be in conflict.
 */
export function annotationsWeUpdated(ingress: Ingress): readonly string[] {
  return ownershipOf(ingress).updated;
}

/** Whoever else wrote to the Ingress last, controllers' status updates aside; undefined when the API server does not say. */
export function lastWriter(ingress: Ingress): string | undefined {
  const others = (ingress.metadata.managedFields ?? []).filter(
    ({ manager, subresource }) => manager !== fieldManager && subresource === undefined,
  );
  return others.toSorted((one, other) => (one.time ?? '').localeCompare(other.time ?? '')).at(-1)?.manager;
}

/** Tools that put back what lies in their repository. */
export function isGitOps(manager: string): boolean {
  return /argo|flux|kustomize-controller|helm|fleet|rancher/i.test(manager);
}

/** The GitOps tool that an Ingress says it is kept by, in its labels and annotations. */
export function gitOpsTool(ingress: Ingress): string | undefined {
  const { labels = {}, annotations = {} } = ingress.metadata;
  if ('argocd.argoproj.io/tracking-id' in annotations || 'argocd.argoproj.io/instance' in labels)
    return 'Argo CD';
  if (Object.keys(labels).some((label) => label.includes('.toolkit.fluxcd.io/'))) return 'Flux';
  return labels['app.kubernetes.io/managed-by'] === 'Helm' ? 'Helm' : undefined;
}

function annotationsIn(entry: ManagedFieldsEntry): string[] {
  const metadata = membersOf(entry.fieldsV1?.['f:metadata']);
  return Object.keys(membersOf(metadata['f:annotations']))
    .filter((key) => key.startsWith('f:'))
    .map((key) => key.slice(2));
}
