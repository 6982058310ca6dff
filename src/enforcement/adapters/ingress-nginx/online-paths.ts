import type { FaultReason } from '../../../fault.ts';
import type { ConfigMap, Ingress } from '../../../kubernetes/objects.ts';
import type { AdapterInput } from '../../adapter.ts';
import { isAcmeLocation, isAcmeSolver } from './acme-challenge.ts';
import { annotationNames, booleanAnnotation } from './annotations.ts';
import { listed, quoted } from './limits.ts';
import type { Neighbour } from './neighbours.ts';
import { pathsUnder } from './plain-http.ts';

/**
 * Paths of our hosts about which the controller does not ask us. `auth-url` holds for the paths of its own Ingress only, and
 * not for those in the controller's `no-auth-locations`. ACME challenges are for everybody, over plain HTTP, too.
 */
export function unaskedPaths(
  { ingress, verifyUrlFor, controllerConfig }: AdapterInput,
  neighbours: readonly Neighbour[],
): FaultReason[] {
  const open = openLocations(controllerConfig);
  return [
    ...neighbours
      .filter((neighbour) => neighbour.sameController && hasPathsOfItsOwn(neighbour.ingress))
      .filter((neighbour) => !asksUs(neighbour.ingress, verifyUrlFor))
      .map(({ label, sharedHosts }) => ({
        code: 'host-path-not-asked',
        detail:
          `${label} serves paths of ${listed(sharedHosts)}, about which the controller does not ask us. Ask for "both" there ` +
          'first, then "online" for each.',
      })),
    ...pathsUnder(ingress, open).map((path) => ({
      code: 'no-auth-location',
      detail: `The path ${quoted(path)} is in the controller's no-auth-locations: it asks nobody about it.`,
    })),
  ];
}

/** A canary has no location; its backends stand behind those of the main Ingress (controller.go, getBackendServers). */
function hasPathsOfItsOwn(other: Ingress): boolean {
  if (booleanAnnotation(other, 'canary') === true) return false;
  const hasPaths = (other.spec?.rules ?? []).some((rule) => (rule.http?.paths ?? []).length > 0);
  return hasPaths && !isAcmeSolver(other);
}

function asksUs(other: Ingress, verifyUrlFor: AdapterInput['verifyUrlFor']): boolean {
  const { namespace = '', name, annotations = {} } = other.metadata;
  const url = annotations[annotationNames.authUrl];
  return url !== undefined && url === verifyUrlFor?.(namespace, name);
}

function openLocations(config: ConfigMap | undefined): string[] {
  return (config?.data?.['no-auth-locations'] ?? '')
    .split(',')
    .map((location) => location.trim())
    .filter((location) => location !== '' && !isAcmeLocation(location));
}
