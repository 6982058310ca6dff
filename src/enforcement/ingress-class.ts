import type { Ingress, IngressClass } from '../kubernetes/objects.ts';

/** The class by annotation: older than `spec.ingressClassName`, which wins where both are given. */
const classAnnotation = 'kubernetes.io/ingress.class';

/**
 * Which controller an Ingress is meant for. `none`: it names no class (a default class is written into the Ingress when
 * it is created, so none now means none). `unknown`: it names a class that does not exist. `unread`: we may not look.
 */
export type ServedBy =
  | { readonly kind: 'controller'; readonly controller: string; readonly className: string }
  | { readonly kind: 'unknown'; readonly className: string; readonly byAnnotation: boolean }
  | { readonly kind: 'unread'; readonly className: string }
  | { readonly kind: 'none' };

/** Resolves the class of an Ingress to its `spec.controller`. */
export function servedBy(ingress: Ingress, classes: readonly IngressClass[] | undefined): ServedBy {
  const byField = ingress.spec?.ingressClassName;
  const className = byField ?? ingress.metadata.annotations?.[classAnnotation];
  if (className === undefined) return { kind: 'none' };
  if (classes === undefined) return { kind: 'unread', className };
  const found = classes.find((ingressClass) => ingressClass.metadata.name === className);
  const controller = found?.spec?.controller;
  if (controller === undefined) return { kind: 'unknown', className, byAnnotation: byField === undefined };
  return { kind: 'controller', controller, className };
}
