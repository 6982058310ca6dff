import { fieldManager } from '../kubernetes/client.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import { restoration } from './annotation-change.ts';
import { tell, undoneEvent } from './events.ts';
import type { EnforcementParts } from './parts.ts';
import { releaseSecret } from './release-secret.ts';
import type { ClientVerification, VerificationWarning } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';
import { knownCopies, type Seen, viewOf } from './view.ts';

/**
 * One merge patch, on the very version that was looked at. Not an apply: with that we would go on holding what we give
 * back, and stand in its owner's way.
 */
export async function restoreAnnotations(
  parts: Pick<EnforcementParts, 'kubernetes'>,
  live: Ingress,
  annotations: Readonly<Record<string, string | null>>,
  dryRun: boolean,
): Promise<void> {
  if (Object.keys(annotations).length === 0) return;
  const { namespace = '', name, resourceVersion } = live.metadata;
  await parts.kubernetes.patchIngress(
    namespace,
    name,
    { type: 'merge', body: { metadata: { annotations } } },
    { fieldManager, dryRun, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
  );
}

/** Takes ours back from the Ingress, forgets it, and lets go of the Secret's copy. */
export async function undoEnforcement(
  parts: EnforcementParts,
  record: VerificationRecord,
  options: { readonly dryRun: boolean; readonly requester: string },
): Promise<ClientVerification> {
  const { namespace, name } = record;
  const live = await parts.kubernetes.getIngress(namespace, name);
  const ingress = presence(live, record);
  const warnings: VerificationWarning[] = [];
  if (live !== undefined && ingress === 'present') {
    const back = restoration(live, record);
    warnings.push(...back.warnings);
    await restoreAnnotations(parts, live, back.annotations, options.dryRun);
  }
  if (!options.dryRun) {
    await parts.records.delete(namespace, name);
    warnings.push(...(await releaseSecret(parts, namespace)));
  }
  if (live !== undefined && !options.dryRun) tell(parts.events, live, undoneEvent(warnings));
  const seen: Seen = {
    ingress,
    differences: [],
    problems: [],
    warnings,
    state: options.dryRun ? 'Planned' : 'Undone',
    dryRun: options.dryRun,
  };
  const { requester } = options;
  return viewOf({ ...record, requester, revocationEnforced: false }, seen, {
    secretName: parts.settings.secretName,
    copies: await knownCopies(parts),
  });
}

/** Is it still the Ingress that was recorded? */
export function presence(live: Ingress | undefined, record: VerificationRecord): Seen['ingress'] {
  if (live === undefined) return 'missing';
  return live.metadata.uid === record.uid ? 'present' : 'recreated';
}
