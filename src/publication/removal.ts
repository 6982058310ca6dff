import { Fault } from '../fault.ts';
import { type CopyOwner, wasWrittenByUs } from './copy-metadata.ts';
import type { NamespacedPlace } from './copy-places.ts';

/**
 * Deletes our copy unless it is wanted: exactly the version that was read, and only one that this installation wrote and that
 * holds nothing else. Whoever starts to want it at this very
 * moment may have found it still there, so that is asked once more afterwards.
 */
export async function removeUnlessWanted(
  place: NamespacedPlace,
  owner: CopyOwner,
  isWanted: () => Promise<boolean>,
): Promise<'removed' | 'kept' | 'wanted-again'> {
  const seen = await place.lookAtCopy();
  if (seen === undefined || seen === 'holds-more' || !wasWrittenByUs(seen, owner) || (await isWanted()))
    return 'kept';
  const { uid = '', resourceVersion = '' } = seen.metadata;
  try {
    if (!(await place.remove({ uid, resourceVersion }))) return 'kept';
  } catch (error) {
    // Somebody has just written it.
    if (error instanceof Fault && error.code === 'conflict') return 'kept';
    throw error;
  }
  return (await isWanted()) ? 'wanted-again' : 'removed';
}
