import { differences, restoration } from './annotation-change.ts';
import { alteredFault, applyAnnotations } from './apply-annotations.ts';
import type { Decision } from './decision.ts';
import type { EnforcementParts } from './parts.ts';
import { restoreAnnotations } from './restore.ts';
import { readerOf } from './revocation.ts';

/**
 * The reconciler's way of carrying a wish out: in the order of a call (record, Secret, annotations), but what fails stays
 * recorded, since the wish was accepted long ago and is tried again.
 * @throws Fault as the API does; `conflict` with `field-manager-conflict` when somebody else holds an annotation
 */
export async function carryOut(
  parts: EnforcementParts,
  { recorded, next, manifest }: Decision,
  force: boolean,
): Promise<void> {
  const previous = recorded?.uid === next.uid ? recorded : undefined;
  await parts.records.put({ ...next, state: previous?.state === 'applied' ? 'applied' : 'applying' });
  await parts.publisher.ensureNamespace(next.namespace, readerOf(next));
  const stored = await applyAnnotations(parts, manifest, { force });
  const altered = differences(stored, manifest.metadata.annotations ?? {});
  if (altered.length > 0) {
    // Half of it may mean something else than all of it. What stood there for long is not taken away for that.
    if (previous?.state !== 'applied') {
      await restoreAnnotations(parts, stored, restoration(stored, next).annotations, false);
    }
    throw alteredFault(altered);
  }
  await parts.records.put({ ...next, state: 'applied' });
}
