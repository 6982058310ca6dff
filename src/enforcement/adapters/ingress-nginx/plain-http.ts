import type { FaultReason } from '../../../fault.ts';
import type { ConfigMap, Ingress } from '../../../kubernetes/objects.ts';
import { acmeChallenge, isAcmeLocation, isAcmeSolver } from './acme-challenge.ts';
import { booleanAnnotation } from './annotations.ts';
import { booleanSetting } from './controller-config.ts';
import { listed, quoted } from './limits.ts';
import type { Neighbour } from './neighbours.ts';

/**
 * Ways around the redirect to HTTPS. The redirect is decided per path, by the Ingress which that path comes from, so a
 * neighbour without one leaves its paths of our host open to everybody.
 */
export function checkPlainHttp(
  ingress: Ingress,
  neighbours: readonly Neighbour[],
  config: ConfigMap | undefined,
): FaultReason[] {
  const open = openLocations(config).filter((location) => !isAcmeLocation(location));
  return [
    ...forwardedProto(config),
    ...neighbours
      .filter((neighbour) => neighbour.sameController && !isAcmeSolver(neighbour.ingress))
      .filter((neighbour) => !redirects(neighbour.ingress, config))
      .map(({ label, sharedHosts }) => ({
        code: 'plain-http-neighbour',
        detail:
          `${label} serves paths of ${listed(sharedHosts)} over plain HTTP (ssl-redirect is off), where no ` +
          'certificate is asked for. Set force-ssl-redirect there.',
      })),
    ...[ingress, ...neighbours.map((neighbour) => neighbour.ingress)]
      .flatMap((each) => pathsUnder(each, open))
      .map((path) => ({
        code: 'plain-http-location',
        detail: `The path ${quoted(path)} is in the controller's no-tls-redirect-locations: it is served over plain HTTP.`,
      })),
  ];
}

/**
 * With `use-forwarded-headers` the controller believes `X-Forwarded-Proto`: a client that sends `https` on port 80 gets
 * no redirect (lua_ingress.lua), and port 80 asks for no certificate.
 */
function forwardedProto(config: ConfigMap | undefined): FaultReason[] {
  if (booleanSetting(config, 'use-forwarded-headers') !== true) return [];
  const detail =
    "The controller's ConfigMap has use-forwarded-headers: a client that sends X-Forwarded-Proto: https on port 80 " +
    'gets in without a certificate. Set it to "false" there, or ask for matchCommonName "*", which closes port 80.';
  return [{ code: 'forwarded-proto-believed', detail }];
}

/** Paths of our own that ACME's HTTP-01 keeps open over plain HTTP. */
export function acmeWarnings(ingress: Ingress, config: ConfigMap | undefined): FaultReason[] {
  const locations = openLocations(config).filter(isAcmeLocation);
  return pathsUnder(ingress, locations).map((path) => ({
    code: 'acme-path-open',
    detail: `The path ${quoted(path)} is served over plain HTTP without a certificate, for ACME challenges.`,
  }));
}

function redirects(ingress: Ingress, config: ConfigMap | undefined): boolean {
  return (
    (booleanAnnotation(ingress, 'force-ssl-redirect') ??
      booleanSetting(config, 'force-ssl-redirect') ??
      false) ||
    (booleanAnnotation(ingress, 'ssl-redirect') ?? booleanSetting(config, 'ssl-redirect') ?? true)
  );
}

function openLocations(config: ConfigMap | undefined): string[] {
  const list = config?.data?.['no-tls-redirect-locations'] ?? acmeChallenge;
  return list
    .split(',')
    .map((location) => location.trim())
    .filter((location) => location !== '');
}

/** Those paths of an Ingress that begin with one of `locations`, as the controller compares them. */
export function pathsUnder(ingress: Ingress, locations: readonly string[]): string[] {
  const paths = (ingress.spec?.rules ?? []).flatMap((rule) => rule.http?.paths ?? []);
  return paths
    .map(({ path }) => path ?? '/')
    .filter((path) => locations.some((location) => path.startsWith(location)));
}
