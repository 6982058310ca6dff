import type { FaultReason } from '../../../fault.ts';
import type { Ingress } from '../../../kubernetes/objects.ts';
import type { AdapterInput } from '../../adapter.ts';
import { servedBy } from '../../ingress-class.ts';
import { annotationNames, booleanAnnotation } from './annotations.ts';
import { mayServe } from './controller.ts';
import { type HostUse, hostLookup } from './host-lookup.ts';
import { hostsOf } from './hosts.ts';
import { listed } from './limits.ts';

/** Another Ingress that has a host in common with ours. */
export interface Neighbour {
  readonly ingress: Ingress;
  /** `namespace/name`, for messages. */
  readonly label: string;
  readonly sharedHosts: readonly string[];
  /** The controller that serves us serves it, too, as far as can be known. */
  readonly sameController: boolean;
  /** The controller looks at it first: of two policies for a host, the older Ingress's holds. */
  readonly older: boolean;
}

/** Every other Ingress with one of our hosts, canaries included: the controller takes their auth-tls as well. */
export function neighboursOf(input: AdapterInput): Neighbour[] {
  const lookup = hostLookup(input.ingresses);
  const shared = new Map<Ingress, HostUse[]>();
  for (const host of hostsOf(input.ingress)) {
    for (const use of lookup.exactly(host)) {
      if (isSame(use.ingress, input.ingress)) continue;
      const uses = shared.get(use.ingress);
      if (uses === undefined) shared.set(use.ingress, [use]);
      else uses.push(use);
    }
  }
  const positionOf = ([, [use]]: [Ingress, HostUse[]]) => use?.position ?? 0;
  return [...shared]
    .sort((one, other) => positionOf(one) - positionOf(other))
    .map(([other, uses]) => ({
      ingress: other,
      label: labelOf(other),
      sharedHosts: uses.map(({ host }) => host),
      sameController: isServedAlike(other, input),
      older: isBefore(other, input.ingress),
    }));
}

/** Whether the controller that serves ours may serve that one, too, as far as can be known. */
export function isServedAlike(
  other: Ingress,
  { ingressClasses, controllerNamed }: Pick<AdapterInput, 'ingressClasses' | 'controllerNamed'>,
): boolean {
  return mayServe(servedBy(other, ingressClasses), controllerNamed);
}

/**
 * Policy is per host: all Ingresses of a host get that of the oldest one which has a CA. A neighbour with another policy
 * would overrule ours or be overruled by it, so either is refused.
 */
export function checkPolicies(
  neighbours: readonly Neighbour[],
  ours: Readonly<Record<string, string>>,
): FaultReason[] {
  const withPolicy = neighbours.filter(
    ({ ingress, sameController }) =>
      sameController && annotationsOf(ingress)[annotationNames.secret] !== undefined,
  );
  return withPolicy.flatMap((neighbour) => {
    const differences = differingPolicy(neighbour.ingress, ours);
    if (differences.length === 0) return [];
    const hosts = listed(neighbour.sharedHosts);
    const effect = neighbour.older
      ? 'is older, so its policy would hold'
      : 'is younger and would be overruled';
    const detail = `${neighbour.label} has another policy for ${hosts} (${differences.join(', ')}) and ${effect}. Undo it there first.`;
    return [{ code: 'host-policy-conflict', detail }];
  });
}

/** What whoever asks should know of the other Ingresses of these hosts. */
export function neighbourWarnings(input: AdapterInput, neighbours: readonly Neighbour[]): FaultReason[] {
  return [
    ...neighbours.map((neighbour) => sharingWarning(neighbour)),
    ...hostsOf(input.ingress).flatMap((host) => wildcardWarnings(host, input)),
  ];
}

function sharingWarning({ label, sharedHosts, sameController }: Neighbour): FaultReason {
  const hosts = listed(sharedHosts);
  if (sameController) {
    return {
      code: 'host-shared',
      detail: `${label} serves ${hosts}, too: the same policy holds for its paths.`,
    };
  }
  const detail = `${label} serves ${hosts} through another controller, where nothing is enforced by this.`;
  return { code: 'host-on-other-controller', detail };
}

/** A server of its own wins over the wildcard, with its own policy. */
function wildcardWarnings(host: string, input: AdapterInput): FaultReason[] {
  if (!host.startsWith('*.')) return [];
  return hostLookup(input.ingresses)
    .below(host)
    .filter(({ ingress }) => !isSame(ingress, input.ingress))
    .map((other) => ({
      code: 'wildcard-not-covering',
      detail: `${other.host} is served by ${labelOf(other.ingress)} with its own policy, not with that of ${host}.`,
    }));
}

/** Names of the settings in which the neighbour differs; its Secret is our copy when it lies in its own namespace. */
function differingPolicy(other: Ingress, ours: Readonly<Record<string, string>>): string[] {
  const names = annotationNames;
  const theirs = annotationsOf(other);
  const secretName = ours[names.secret]?.split('/')[1];
  const differs: [string, boolean][] = [
    ['auth-tls-secret', theirs[names.secret] !== `${other.metadata.namespace}/${secretName}`],
    ['auth-tls-verify-client', (theirs[names.verifyClient] ?? 'on') !== ours[names.verifyClient]],
    ['auth-tls-verify-depth', (theirs[names.verifyDepth] ?? '1') !== (ours[names.verifyDepth] ?? '1')],
    ['auth-tls-error-page', theirs[names.errorPage] !== ours[names.errorPage]],
    ['auth-tls-match-cn', theirs[names.matchCommonName] !== ours[names.matchCommonName]],
    [
      'auth-tls-pass-certificate-to-upstream',
      (booleanAnnotation(other, 'auth-tls-pass-certificate-to-upstream') ?? false) !==
        (ours[names.passCertificate] === 'true'),
    ],
  ];
  return differs.filter(([, different]) => different).map(([name]) => name);
}

/** The controller's order: by creationTimestamp, and of equal ones the later name first (store.go, sortIngressSlice). */
export function isBefore(one: Ingress, other: Ingress): boolean {
  const times = [one, other].map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ''));
  const [first = Number.NaN, second = Number.NaN] = times;
  return first === second ? labelOf(one) > labelOf(other) : first < second;
}

/** `namespace/name`, for messages. */
export function labelOf({ metadata }: Ingress): string {
  return `${metadata.namespace}/${metadata.name}`;
}

export function isSame(one: Ingress, other: Ingress): boolean {
  return labelOf(one) === labelOf(other);
}

function annotationsOf(ingress: Ingress): Readonly<Record<string, string | undefined>> {
  return ingress.metadata.annotations ?? {};
}
