import type { Publisher } from '../publication/publisher.ts';
import type {
  ClientVerification,
  VerificationObservation,
  VerificationState,
  VerificationWarning,
} from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';

/** What was looked at just now, beside the record. */
export interface Seen {
  readonly ingress: VerificationObservation['ingress'];
  readonly differences: VerificationObservation['differences'];
  readonly problems: VerificationObservation['problems'];
  readonly warnings: readonly VerificationWarning[];
  /** Instead of the state that follows from what was seen. */
  readonly state?: VerificationState;
  readonly dryRun?: boolean;
}

/** The answer about one Ingress. */
export function viewOf(
  record: VerificationRecord,
  seen: Seen,
  secretName: string,
  publisher: Pick<Publisher, 'status'>,
): ClientVerification {
  const { namespace, name, controller, authority, settings, hosts, written, before } = record;
  const state = seen.state ?? stateOf(record, seen);
  const inForce = state === 'Enforced' || state === 'Unsafe' || state === 'Planned';
  const secret = copyIn(namespace, secretName, publisher);
  return {
    namespace,
    name,
    controller,
    authority,
    ...settings,
    hosts,
    secret: { namespace, name: secretName },
    annotations: { written, before },
    revocationEnforced: inForce && record.revocationEnforced,
    warnings: seen.warnings,
    state,
    observed: {
      ingress: seen.ingress,
      differences: seen.differences,
      problems: seen.problems,
      ...(secret === undefined ? {} : { secret }),
    },
    dryRun: seen.dryRun ?? false,
    requester: record.requester,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
  };
}

function stateOf(record: VerificationRecord, seen: Seen): VerificationState {
  if (seen.ingress !== 'present') return 'Missing';
  if (seen.differences.length > 0) return record.state === 'applying' ? 'Pending' : 'Drifted';
  if (record.settings.mode === 'off') return 'Off';
  return seen.problems.length > 0 ? 'Unsafe' : 'Enforced';
}

function copyIn(
  namespace: string,
  secretName: string,
  publisher: Pick<Publisher, 'status'>,
): VerificationObservation['secret'] {
  const copy = publisher.status().find(({ target }) => target === `secret:${namespace}/${secretName}`);
  if (copy === undefined) return undefined;
  return {
    ...(copy.crlNumber === undefined ? {} : { crlNumber: copy.crlNumber }),
    ...(copy.writtenAt === undefined ? {} : { writtenAt: copy.writtenAt }),
    ...(copy.error === undefined ? {} : { error: copy.error }),
  };
}
