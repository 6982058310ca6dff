import { Fault, type FaultReason, faultReasonsIn } from '../fault.ts';
import { membersOf } from '../members-of.ts';
import type {
  ClientVerificationRecord,
  ClientVerificationStore as Rows,
} from '../store/client-verifications.ts';
import { readAllowRules } from '../verification/allow-rule.ts';
import { isRevocationMode, type RevocationInForce, revocationInForce } from './revocation.ts';
import type {
  ControllerName,
  VerificationMode,
  VerificationOrigin,
  VerificationSettings,
} from './verification.ts';

/**
 * How far a record got. The row is written before the Ingress is touched, so that a crash in between never loses what stood
 * there before, nor what was asked for. `refused`: asked for by annotation and never accepted, nothing was written. `applying`:
 * accepted, perhaps written. `applied`: written. `undoing`: to be taken back, perhaps taken back.
 */
export const recordStates = ['refused', 'applying', 'applied', 'undoing'] as const;

export type RecordState = (typeof recordStates)[number];

/** What we did to one Ingress, and what is needed to take it back. */
export interface VerificationRecord {
  readonly namespace: string;
  readonly name: string;
  /** Of the Ingress: a recreated one has another, and nothing of ours on it. */
  readonly uid: string;
  readonly controller: ControllerName;
  readonly authority: string;
  readonly state: RecordState;
  readonly settings: VerificationSettings;
  readonly hosts: readonly string[];
  readonly revocationEnforced: boolean;
  readonly revocation: RevocationInForce;
  readonly written: Readonly<Record<string, string>>;
  /** The value that somebody else last gave each annotation that we ever wrote; null for none. */
  readonly before: Readonly<Record<string, string | null>>;
  readonly origin: VerificationOrigin;
  /** Why the last attempt of the reconciler failed; empty when it did not. */
  readonly trouble: readonly FaultReason[];
  /** What of the row could not be read: a newer program may have written it, so that it must not be written over. */
  readonly unreadable?: FaultReason;
  readonly requester: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** One record per enforced Ingress; namespace and name are the key. */
export interface VerificationRecords {
  find(namespace: string, name: string): Promise<VerificationRecord | undefined>;
  /** Inserts or replaces. */
  put(record: VerificationRecord): Promise<void>;
  delete(namespace: string, name: string): Promise<void>;
  /** Ordered by namespace and name. */
  list(): Promise<VerificationRecord[]>;
}

/** Typed records over the rows, whose JSON columns the store does not look into. */
export function createVerificationRecords(
  rows: Pick<Rows, 'find' | 'put' | 'list' | 'delete'>,
): VerificationRecords {
  return {
    async find(namespace, name) {
      const row = await rows.find(namespace, name);
      return row === undefined ? undefined : fromRow(row);
    },
    async put({ state, settings, hosts, revocationEnforced, revocation, unreadable: _, ...columns }) {
      await rows.put({ ...columns, spec: { state, settings, hosts, revocationEnforced, revocation } });
    },
    async delete(namespace, name) {
      await rows.delete(namespace, name);
    },
    list: async () => (await rows.list()).map(fromRow),
  };
}

function fromRow({
  spec,
  before,
  written,
  controller,
  trouble,
  ...columns
}: ClientVerificationRecord): VerificationRecord {
  const members = membersOf(spec);
  const { allow, ...settings } = membersOf(members.settings);
  const rules = rulesFrom(allow);
  const unreadable = isControllerName(controller)
    ? rules.unreadable
    : unreadableRow(`it is for the unknown controller ${controller}`);
  return {
    ...columns,
    ...(unreadable === undefined ? {} : { unreadable }),
    controller: isControllerName(controller) ? controller : 'ingress-nginx',
    state: recordStates.find((state) => state === members.state) ?? 'applying',
    settings: { ...settingsFrom(settings), ...(rules.allow === undefined ? {} : { allow: rules.allow }) },
    hosts: Array.isArray(members.hosts) ? members.hosts.filter((host) => typeof host === 'string') : [],
    revocationEnforced: members.revocationEnforced === true,
    revocation: revocationInForce(members.revocation),
    written: strings(written),
    before: { ...strings(before), ...nulls(before) },
    trouble: unreadable === undefined ? faultReasonsIn(trouble) : [],
  };
}

function isControllerName(value: string): value is ControllerName {
  return value === 'ingress-nginx';
}

/** Rules that cannot be read let nobody in. */
function rulesFrom(
  value: unknown,
): Pick<VerificationSettings, 'allow'> & Pick<VerificationRecord, 'unreadable'> {
  if (value === undefined) return {};
  try {
    return { allow: readAllowRules(value, 'allow') };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { allow: [], unreadable: unreadableRow(error.message) };
  }
}

function unreadableRow(why: string): FaultReason {
  return { code: 'record-unreadable', detail: `The record cannot be read, and is left as it is: ${why}.` };
}

function settingsFrom(members: Readonly<Record<string, unknown>>): VerificationSettings {
  const { mode, passCertificate, errorPage, matchCommonName, revocation } = members;
  return {
    mode: isMode(mode) ? mode : 'on',
    passCertificate: passCertificate !== false,
    ...(typeof errorPage === 'string' ? { errorPage } : {}),
    ...(typeof matchCommonName === 'string' ? { matchCommonName } : {}),
    revocation: isRevocationMode(revocation) ? revocation : 'crl',
  };
}

function isMode(value: unknown): value is VerificationMode {
  return value === 'on' || value === 'optional' || value === 'off';
}

function strings(value: unknown): Record<string, string> {
  const entries = Object.entries(membersOf(value));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function nulls(value: unknown): Record<string, null> {
  const names = Object.entries(membersOf(value)).filter(([, member]) => member === null);
  return Object.fromEntries(names.map(([name]) => [name, null]));
}
