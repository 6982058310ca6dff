import type { FaultReason } from '../../../fault.ts';
import type { ConfigMap, Ingress } from '../../../kubernetes/objects.ts';
import { identityHeaders, omittedHeader } from '../../../verification/identity-headers.ts';
import type { AdapterInput } from '../../adapter.ts';
import { asksOnline } from '../../revocation.ts';
import { annotation, annotationNames, booleanAnnotation } from './annotations.ts';
import { allowsRisk } from './controller-config.ts';
import { quoted } from './limits.ts';
import type { Neighbour } from './neighbours.ts';
import { unaskedPaths } from './online-paths.ts';
import { decidingAccess, findInControllerSnippets, findInSnippets } from './snippets.ts';

export interface OnlineCheck {
  /** Why the controller cannot be made to ask us about each request, or would not heed the answer. */
  readonly reasons: readonly FaultReason[];
  readonly warnings: readonly FaultReason[];
  readonly wholeHost: boolean;
}

const nothing: OnlineCheck = { reasons: [], warnings: [], wholeHost: false };

/**
 * What `auth-url` needs and what undoes it (nginx.tmpl 985-1262 of 1.15.1). A refusal is 401 or 403 for the subrequest of
 * nginx's auth_request; anything but 2xx, 401 and 403 is 500 for the client, so it fails closed.
 */
export function checkOnline(input: AdapterInput, neighbours: readonly Neighbour[]): OnlineCheck {
  const { ingress, settings, revocation, controllerConfig } = input;
  if (!asksOnline(revocation)) {
    return settings.allow === undefined ? nothing : { ...nothing, reasons: [allowNeedsOnline] };
  }
  const unasked = unaskedPaths(input, neighbours);
  return {
    reasons: [
      ...checkWish(input),
      ...othersAuth(ingress),
      ...checkController(ingress, controllerConfig),
      ...checkSnippets(ingress, neighbours, controllerConfig),
      // With the CRL beside it, what does not ask is not open to the revoked.
      ...(revocation === 'online' ? unasked : []),
    ],
    warnings: [
      ...(revocation === 'both' ? unasked : []),
      ...errorPageWarnings(ingress, controllerConfig),
      ...(settings.matchCommonName === undefined ? [] : [unprovable]),
    ],
    wholeHost: unasked.length === 0,
  };
}

const allowNeedsOnline: FaultReason = {
  code: 'allow-needs-online',
  detail: 'The controller does not know the rules of allow; they need revocation "online" or "both".',
};

const unprovable: FaultReason = {
  code: 'online-not-provable',
  detail:
    'matchCommonName turns our probe away before the controller asks, so that it cannot be seen whether a revoked ' +
    'certificate is refused. Rules of allow can do the same.',
};

/** What is wrong with the wish itself, or with how we are configured. */
function checkWish({ settings, verifyUrlFor }: AdapterInput): FaultReason[] {
  const reasons: FaultReason[] = [];
  if (verifyUrlFor === undefined) {
    const detail = 'The service does not know where controllers reach it: VERIFY_URL is not set.';
    reasons.push({ code: 'verify-url-unset', detail });
  }
  if (!settings.passCertificate) {
    const detail = 'Without passCertificate the controller hands nobody the certificate, nor us.';
    reasons.push({ code: 'online-needs-certificate', detail });
  }
  if (settings.mode === 'off') {
    const detail = 'In mode "off" nobody is asked for a certificate, so there is nothing to ask us about.';
    reasons.push({ code: 'online-needs-verification', detail });
  }
  return reasons;
}

/** Another use of auth-url, or a setting that would bend ours. `auth-response-headers` is ours to overrule. */
const inTheWay: readonly { readonly name: string; readonly effect: string }[] = [
  { name: 'auth-url', effect: 'asks somebody else, and only one can be asked' },
  { name: 'auth-method', effect: 'asks by another method than GET' },
  { name: 'auth-signin', effect: 'sends who is refused to a sign-in page' },
  { name: 'auth-snippet', effect: 'can change what we are asked' },
  { name: 'auth-proxy-set-headers', effect: 'can change what we are asked' },
  { name: 'auth-cache-key', effect: 'remembers answers, so that a revocation comes late' },
  // The controller's Lua hands on each header under the name of the next, and nginx resolves our name only when it starts.
  { name: 'auth-keepalive', effect: "mixes up the headers with the client's name" },
];

function othersAuth(ingress: Ingress): FaultReason[] {
  return inTheWay
    .filter(({ name }) => annotation(ingress, name) !== undefined)
    .map(({ name, effect }) => ({
      code: 'auth-annotation-in-the-way',
      detail: `${name} is ${quoted(annotation(ingress, name) ?? '')}, which ${effect}.`,
    }));
}

function checkController(ingress: Ingress, config: ConfigMap | undefined): FaultReason[] {
  const reasons: FaultReason[] = [];
  if (!allowsRisk(config, 'High')) {
    const detail = `The controller's annotations-risk-level is ${config?.data?.['annotations-risk-level']}; auth-url needs High.`;
    reasons.push({ code: 'annotations-risk-level', detail });
  }
  if (annotation(ingress, 'satisfy') === 'any') {
    const detail = 'satisfy is "any": an address on a list, or a password, is let in whatever we answer.';
    reasons.push({ code: 'satisfy-any', detail });
  }
  const globalAuth = config?.data?.['global-auth-url'] ?? '';
  if (globalAuth !== '' && booleanAnnotation(ingress, 'enable-global-auth') !== false) {
    const detail = `The controller asks ${globalAuth} about every host (global-auth-url); an auth-url of the Ingress would replace it.`;
    reasons.push({ code: 'global-auth-replaced', detail });
  }
  const pages = errorCodes(config).filter((code) => code === '401' || code === '403');
  if (pages.length > 0) {
    const detail =
      `The controller's custom-http-errors names ${pages.join(' and ')}: in releases of before February 2026 the page for it was ` +
      'taken for our answer (CVE-2026-24513), and who was refused came in.';
    reasons.push({ code: 'custom-errors', detail });
  }
  return reasons;
}

/** Failures of ours, which the same old controllers replaced by whatever their page answers. */
function errorPageWarnings(ingress: Ingress, config: ConfigMap | undefined): FaultReason[] {
  const warnings: FaultReason[] = [];
  const failures = errorCodes(config).filter((code) => code.startsWith('5'));
  if (failures.length > 0) {
    const detail =
      `The controller's custom-http-errors names ${failures.join(', ')}: on releases with CVE-2026-24513 a page that is ` +
      'answered with 200 lets everybody in while we cannot be reached.';
    warnings.push({ code: 'custom-errors-doubtful', detail });
  }
  const own = annotation(ingress, 'custom-http-errors')?.split(',') ?? [];
  if (own.some((code) => ['401', '403'].includes(code.trim()))) {
    const detail =
      'custom-http-errors has a page of its own for refusals, which our probe may not know for one.';
    warnings.push({ code: 'refusal-hidden', detail });
  }
  return warnings;
}

function errorCodes(config: ConfigMap | undefined): string[] {
  return (config?.data?.['custom-http-errors'] ?? '').split(',').map((code) => code.trim());
}

function checkSnippets(
  ingress: Ingress,
  neighbours: readonly Neighbour[],
  config: ConfigMap | undefined,
): FaultReason[] {
  // Another Ingress's snippet holds for its own paths, but a server's for all of the host.
  return [
    ...findInSnippets({ ingress, label: 'The Ingress' }, decidingAccess, config),
    ...neighbours
      .filter(({ sameController }) => sameController)
      .flatMap((each) => findInSnippets(each, decidingAccess, config, ['server-snippet'])),
    ...findInControllerSnippets(config, decidingAccess),
  ];
}

/**
 * The annotations that make the controller ask us; none when it is not to. Where VERIFY_URL was taken away, it goes on asking
 * where it did: its copy may have no CRL, so without the question nobody would refuse the revoked.
 */
export function onlineAnnotations({
  ingress,
  revocation,
  verifyUrlFor,
  written,
}: AdapterInput): Record<string, string> {
  const { namespace = '', name } = ingress.metadata;
  const url = verifyUrlFor?.(namespace, name) ?? written?.[annotationNames.authUrl];
  if (!asksOnline(revocation) || url === undefined) return {};
  return {
    [annotationNames.authUrl]: url,
    // Named, they are overwritten: no client can send them to the upstream itself.
    [annotationNames.authResponseHeaders]: [...identityHeaders, omittedHeader].join(','),
  };
}
