import type { Ingress } from '../../../kubernetes/objects.ts';
import { annotation, booleanAnnotation } from './annotations.ts';

/** RFC 8555 section 8.3. Also ingress-nginx's default of `no-tls-redirect-locations`. */
export const acmeChallenge = '/.well-known/acme-challenge';

/** A token is base64url (RFC 8555 section 8.3): read as a regular expression it matches nothing but itself. */
const solverPath = /^\/\.well-known\/acme-challenge(\/[A-Za-z0-9_-]*)?$/;

/** True for a location at or below `/.well-known/acme-challenge`, as the controller's ConfigMap lists locations. */
export function isAcmeLocation(location: string): boolean {
  return location === acmeChallenge || location.startsWith(`${acmeChallenge}/`);
}

/** True for a path of a rule that can match nothing but an HTTP-01 challenge, whatever its pathType. */
export function isAcmePath(path: string): boolean {
  return solverPath.test(path);
}

/**
 * True for the Ingress of an ACME solver, as cert-manager makes one for each challenge: it has paths, and all of them are
 * challenges. HTTP-01 has to be answered over plain HTTP without a certificate, so these paths are open on purpose.
 * Threat: a tenant dresses up another path as a challenge. A rewrite, a regular expression or a default backend would
 * lead from the challenge's path to somewhere else, so an Ingress with one of them is no solver.
 */
export function isAcmeSolver(ingress: Ingress): boolean {
  if (ingress.spec?.defaultBackend !== undefined) return false;
  if (annotation(ingress, 'rewrite-target') !== undefined) return false;
  if (booleanAnnotation(ingress, 'use-regex') === true) return false;
  const paths = (ingress.spec?.rules ?? []).flatMap((rule) => rule.http?.paths ?? []);
  return paths.length > 0 && paths.every(({ path = '/' }) => isAcmePath(path));
}
