import { Fault } from '../fault.ts';
import type { Applied, ApplyOptions, Ingress } from '../kubernetes/client.ts';
import type { EnforcementParts } from './parts.ts';
import type { AnnotationDifference } from './verification.ts';

/**
 * All annotations in one server-side apply. `force` takes over what others hold: who asks for enforcement by a call means
 * it, and what stood there is recorded and reported. Without it, such an annotation is a conflict and nothing is written.
 * @throws Fault `ingress-unsafe` with the words of an admission webhook; else as the API
 */
export async function applyAnnotations(
  parts: Pick<EnforcementParts, 'kubernetes'>,
  manifest: Applied<Ingress>,
  options: Pick<ApplyOptions, 'force' | 'dryRun'>,
): Promise<Ingress> {
  try {
    return await parts.kubernetes.applyIngress(manifest, options);
  } catch (error) {
    if (error instanceof Fault && error.reasons.some(({ code }) => code === 'admission-denied')) {
      throw new Fault('ingress-unsafe', error.message, { reasons: error.reasons, cause: error });
    }
    throw error;
  }
}

/** An admission policy changed what we wrote, on its way into the store. */
export function alteredFault(altered: readonly AnnotationDifference[]): Fault {
  const reasons = altered.map(({ annotation, wanted, found }) => ({
    code: 'annotation-altered',
    detail: `${annotation} was stored as "${found ?? ''}" instead of "${wanted ?? ''}".`,
  }));
  return new Fault('ingress-unsafe', 'Something in the cluster changes what we write to this Ingress', {
    reasons,
  });
}
