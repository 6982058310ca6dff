import type { PublishedCopy, Publisher } from '../publication/publisher.ts';
import { isAboutRecord, type ProbeReport } from './probe/probe-report.ts';
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
  readonly conflicts?: VerificationObservation['conflicts'];
  readonly problems: VerificationObservation['problems'];
  readonly warnings: readonly VerificationWarning[];
  /** Instead of the state that follows from what was seen. */
  readonly state?: VerificationState;
  readonly dryRun?: boolean;
}

/** What is known besides, from elsewhere. */
export interface Known {
  readonly secretName: string;
  readonly copies: readonly PublishedCopy[];
  readonly probe?: ProbeReport | undefined;
}

/** The answer about one Ingress. */
export function viewOf(record: VerificationRecord, seen: Seen, known: Known): ClientVerification {
  const { namespace, name, origin, controller, authority, hosts, written, before } = record;
  const { revocation: wished, ...settings } = record.settings;
  const { effective, why } = record.revocation;
  const state = seen.state ?? stateOf(record, seen, known.probe);
  const secret = copyIn(namespace, known);
  return {
    namespace,
    name,
    origin,
    controller,
    authority,
    ...settings,
    revocation: { wished, effective, ...(why === undefined ? {} : { why }) },
    hosts,
    secret: { namespace, name: known.secretName },
    annotations: { written, before },
    revocationEnforced: isInForce(state, seen) && record.revocationEnforced,
    warnings: seen.warnings,
    state,
    observed: {
      ingress: seen.ingress,
      differences: seen.differences,
      conflicts: state === 'Conflict' ? (seen.conflicts ?? []) : [],
      problems: seen.problems,
      ...(secret === undefined ? {} : { secret }),
      ...(known.probe === undefined ? {} : { probe: outcomeOf(known.probe) }),
    },
    dryRun: seen.dryRun ?? false,
    requester: record.requester,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
  };
}

/** After a change that has been made, what cannot be read now must not turn the answer into a failure. */
export function knownCopies({
  publisher,
}: {
  readonly publisher: Pick<Publisher, 'status'>;
}): Promise<readonly PublishedCopy[]> {
  return publisher.status().catch(() => []);
}

function isInForce(state: VerificationState, { ingress, differences }: Seen): boolean {
  if (state === 'Planned') return true;
  return (state === 'Enforced' || state === 'Unsafe') && ingress === 'present' && differences.length === 0;
}

function stateOf(
  record: VerificationRecord,
  { ingress, differences, conflicts = [], problems }: Seen,
  probe: ProbeReport | undefined,
): VerificationState {
  if (record.state === 'undoing') return 'Undoing';
  if (ingress === 'missing') return 'Missing';
  const unwritten = ingress === 'recreated' || (differences.length > 0 && record.state !== 'applied');
  if (unwritten) return unwrittenState(conflicts, problems);
  if (differences.length > 0) return conflicts.length > 0 ? 'Conflict' : 'Drifted';
  if (record.settings.mode === 'off') return 'Off';
  if (probe?.verdict === 'contradicted' && isAboutRecord(probe, record)) return 'NotEnforced';
  return problems.length > 0 ? 'Unsafe' : 'Enforced';
}

function unwrittenState(
  conflicts: NonNullable<Seen['conflicts']>,
  problems: Seen['problems'],
): VerificationState {
  if (conflicts.length > 0) return 'Conflict';
  return problems.length > 0 ? 'Unsafe' : 'Pending';
}

function outcomeOf({ verdict, probedAt, onlineProvenAt, reasons }: ProbeReport) {
  return { verdict, probedAt, ...(onlineProvenAt === undefined ? {} : { onlineProvenAt }), reasons };
}

function copyIn(namespace: string, { secretName, copies }: Known): VerificationObservation['secret'] {
  const copy = copies.find(({ target }) => target === `secret:${namespace}/${secretName}`);
  if (copy === undefined) return undefined;
  return {
    ...(copy.crlNumber === undefined ? {} : { crlNumber: copy.crlNumber }),
    ...(copy.writtenAt === undefined ? {} : { writtenAt: copy.writtenAt }),
    ...(copy.error === undefined ? {} : { error: copy.error }),
  };
}
