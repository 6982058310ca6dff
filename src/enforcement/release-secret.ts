import { Fault } from '../fault.ts';
import type { EnforcementParts } from './parts.ts';
import type { VerificationWarning } from './verification.ts';

/**
 * A host whose Ingress still names the copy would answer 403 to everybody without it; so it stays while anything
 * in the namespace does. A failure leaves a copy too many, which the next call removes.
 */
export async function releaseSecret(
  parts: EnforcementParts,
  namespace: string,
): Promise<VerificationWarning[]> {
  try {
    const reference = `${namespace}/${parts.settings.secretName}`;
    const users = (await parts.kubernetes.listIngresses(namespace)).filter(({ metadata }) =>
      Object.values(metadata.annotations ?? {}).includes(reference),
    );
    if (users.length === 0) {
      await parts.publisher.removeUnwanted(namespace);
      return [];
    }
    const names = users.map(({ metadata }) => metadata.name).join(', ');
    return [{ code: 'secret-kept', detail: `The Secret ${reference} stays, since ${names} names it.` }];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    parts.warn(`the copy in namespace ${namespace} was not removed`, error);
    return [{ code: 'secret-kept', detail: `The Secret was not removed: ${error.message}` }];
  }
}
