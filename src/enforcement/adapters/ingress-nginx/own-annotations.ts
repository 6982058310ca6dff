import type { FaultReason } from '../../../fault.ts';
import type { ConfigMap, Ingress } from '../../../kubernetes/objects.ts';
import { annotation, booleanAnnotation, foreignPrefixes } from './annotations.ts';
import { booleanSetting } from './controller-config.ts';
import type { Neighbour } from './neighbours.ts';

const snippets = [
  'server-snippet',
  'configuration-snippet',
  'auth-snippet',
  'stream-snippet',
  'modsecurity-snippet',
];

/** Directives with which a snippet switches verification off, opens a location of its own, or forges our headers. */
const dangerous =
  /\b(ssl_verify_client|ssl_verify_depth|ssl_client_certificate|ssl_trusted_certificate|ssl_crl|listen|location|server_name)\b|\berror_page\b[^;]*\b49[567]\b|\bssl-client-/i;

/** What stands on the Ingress itself and would undo, or never carry out, the verification. */
export function checkOwnAnnotations(ingress: Ingress): FaultReason[] {
  const reasons: FaultReason[] = [];
  if (ingress.metadata.deletionTimestamp !== undefined) {
    reasons.push({ code: 'ingress-deleting', detail: 'The Ingress is being deleted.' });
  }
  if (booleanAnnotation(ingress, 'canary') === true) {
    const detail = 'It is a canary: the policy of a host belongs on the main Ingress. Enforce it there.';
    reasons.push({ code: 'canary', detail });
  }
  for (const name of foreignPrefixes(ingress)) {
    const detail = `The annotation ${name} suggests a controller with --annotations-prefix, which ignores the names that we write.`;
    reasons.push({ code: 'annotations-prefix', detail });
  }
  return reasons;
}

/** What bypasses the check for the whole host, whichever of its Ingresses says so. */
export function checkBypass(
  ingress: Ingress,
  neighbours: readonly Neighbour[],
  config: ConfigMap | undefined,
): FaultReason[] {
  const all = [
    { ingress, label: 'The Ingress' },
    ...neighbours.filter((neighbour) => neighbour.sameController),
  ];
  return all.flatMap((each) => [
    ...passthrough(each.ingress, each.label),
    ...findInSnippets(each, dangerous, config),
  ]);
}

/** Snippets that we cannot judge, and the redirect that we are about to overrule. */
export function ownWarnings(ingress: Ingress, config: ConfigMap | undefined): FaultReason[] {
  const warnings: FaultReason[] = [];
  if (booleanAnnotation(ingress, 'ssl-redirect') === false) {
    const detail =
      'ssl-redirect is "false"; force-ssl-redirect overrules it, since plain HTTP asks for no certificate.';
    warnings.push({ code: 'ssl-redirect-overruled', detail });
  }
  if (!snippetsAreDropped(config)) {
    for (const name of snippets.filter((snippet) => annotation(ingress, snippet) !== undefined)) {
      warnings.push({
        code: 'snippet-present',
        detail: `What ${name} does to the verification cannot be checked.`,
      });
    }
  }
  return warnings;
}

function passthrough(ingress: Ingress, label: string): FaultReason[] {
  if (booleanAnnotation(ingress, 'ssl-passthrough') !== true) return [];
  const detail = `${label} has ssl-passthrough: the connection goes to the upstream before anything is verified.`;
  return [{ code: 'ssl-passthrough', detail }];
}

/** The snippets of an Ingress that say what they must not, unless the controller drops them all. */
export function findInSnippets(
  { ingress, label }: { readonly ingress: Ingress; readonly label: string },
  forbidden: RegExp,
  config: ConfigMap | undefined,
  names: readonly string[] = snippets,
): FaultReason[] {
  if (snippetsAreDropped(config)) return [];
  return names.flatMap((name) => {
    const found = forbidden.exec(annotation(ingress, name) ?? '');
    if (found === null) return [];
    return [{ code: 'snippet-interferes', detail: `${label} has a ${name} with "${found[0].trim()}".` }];
  });
}

/** True when the controller ignores every snippet annotation. */
export function snippetsAreDropped(config: ConfigMap | undefined): boolean {
  // Off by default from 1.10 on; without the ConfigMap the version's default is not known, so they count as honoured.
  return config !== undefined && booleanSetting(config, 'allow-snippet-annotations') !== true;
}
