import { Fault } from '../fault.ts';
import { fieldManager } from '../kubernetes/client.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import { type Restoration, restoration } from './annotation-change.ts';
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

/**
 * Takes ours back from the Ingress, forgets it, and lets go of the Secret's copy. Recorded first: what is cut short is finished,
 * and not taken for drift. A call that the API server refuses leaves everything as it was.
 */
export async function undoEnforcement(
  parts: EnforcementParts,
  record: VerificationRecord,
  { dryRun, requester }: { readonly dryRun: boolean; readonly requester: string },
): Promise<ClientVerification> {
  const { namespace, name } = record;
  const live = await parts.kubernetes.getIngress(namespace, name);
  const ingress = presence(live, record);
  const back = live === undefined || ingress !== 'present' ? nothingLeft : restoration(live, record);
  const warnings: VerificationWarning[] = [...back.warnings];
  if (!dryRun) await parts.records.put({ ...record, state: 'undoing', requester });
  if (live !== undefined) {
    await restoreOrTakeBack(parts, record, () => restoreAnnotations(parts, live, back.annotations, dryRun));
  }
  if (!dryRun) {
    await parts.records.delete(namespace, name);
    warnings.push(...(await releaseSecret(parts, namespace)));
  }
  if (live !== undefined && !dryRun) tell(parts.events, live, undoneEvent(warnings));
  const state = dryRun ? 'Planned' : 'Undone';
  const seen: Seen = { ingress, differences: [], problems: [], warnings, state, dryRun };
  return viewOf({ ...record, requester, revocationEnforced: false }, seen, {
    secretName: parts.settings.secretName,
    copies: await knownCopies(parts),
  });
}

const nothingLeft: Restoration = { annotations: {}, warnings: [] };

/** Where the answer is lost, the write may have happened, or happen yet: the record stays as it is. */
async function restoreOrTakeBack(
  parts: EnforcementParts,
  record: VerificationRecord,
  restore: () => Promise<void>,
): Promise<void> {
  try {
    await restore();
  } catch (error) {
    const unanswered = !(error instanceof Fault) || error.code === 'kubernetes-unavailable';
    if (!unanswered) await takeBack(parts, record);
    throw error;
  }
}

async function takeBack(parts: EnforcementParts, record: VerificationRecord): Promise<void> {
  try {
    await parts.records.put(record);
  } catch (error) {
    parts.warn(`the undoing of ${record.namespace}/${record.name} stays recorded, and is tried again`, error);
  }
}

/** Is it still the Ingress that was recorded? */
export function presence(live: Ingress | undefined, record: VerificationRecord): Seen['ingress'] {
  if (live === undefined) return 'missing';
  return live.metadata.uid === record.uid ? 'present' : 'recreated';
}
