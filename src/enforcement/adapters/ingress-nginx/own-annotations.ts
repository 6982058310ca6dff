import type { FaultReason } from '../../../fault.ts';
import type { ConfigMap, Ingress } from '../../../kubernetes/objects.ts';
import { annotation, booleanAnnotation, foreignPrefixes } from './annotations.ts';
import type { Neighbour } from './neighbours.ts';
import {
  bypassing,
  findInControllerSnippets,
  findInSnippets,
  snippetNames,
  snippetsAreDropped,
} from './snippets.ts';

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
  return [
    ...all.flatMap((each) => [
      ...passthrough(each.ingress, each.label),
      ...findInSnippets(each, bypassing, config),
    ]),
    ...findInControllerSnippets(config, bypassing),
  ];
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
    for (const name of snippetNames.filter((snippet) => annotation(ingress, snippet) !== undefined)) {
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
