import { fieldManager } from '../kubernetes/client.ts';
import type { Ingress, ManagedFieldsEntry } from '../kubernetes/objects.ts';
import { membersOf } from '../members-of.ts';

/** The managers that hold an annotation, ours included; none when the API server does not say. */
export function managersOf(ingress: Ingress, annotation: string): string[] {
  const entries = ingress.metadata.managedFields ?? [];
  return entries
    .filter((entry) => annotationsIn(entry).includes(annotation))
    .map((entry) => entry.manager ?? 'unknown');
}

/** The annotations that our own server-side apply holds: those that the next apply would remove by not naming them. */
export function annotationsWeApplied(ingress: Ingress): string[] {
  const entries = ingress.metadata.managedFields ?? [];
  return entries
    .filter((entry) => entry.manager === fieldManager && entry.operation === 'Apply')
    .flatMap(annotationsIn);
}

/**
 * The annotations that we hold, but not by an apply: what a restoration put back, or an admission policy made of a write of
 * ours. To the API server that is another manager, with whom our next apply would be in conflict.
 */
export function annotationsWeUpdated(ingress: Ingress): string[] {
  const entries = ingress.metadata.managedFields ?? [];
  return entries
    .filter((entry) => entry.manager === fieldManager && entry.operation === 'Update')
    .flatMap(annotationsIn);
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
