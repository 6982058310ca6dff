import type { FaultReason } from '../fault.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import { conflictsOf, differences } from './annotation-change.ts';
import { type Cluster, readCluster } from './cluster.ts';
import { declarationOf, refusalOf } from './declaration.ts';
import { isSameWish, judge, notJudged, wishOf } from './judgement.ts';
import type { EnforcementParts } from './parts.ts';
import type { ProbeReport } from './probe/probe-report.ts';
import { presence } from './restore.ts';
import type { ClientVerification } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';
import { type Seen, viewOf } from './view.ts';

/** What became of these records: read from the cluster once for all of them. */
export async function observeAll(
  parts: EnforcementParts,
  records: readonly VerificationRecord[],
): Promise<ClientVerification[]> {
  if (records.length === 0) return [];
  const [cluster, copies, probes] = await Promise.all([
    readCluster(parts.kubernetes, parts.settings),
    parts.publisher.status(),
    probesOf(parts, records),
  ]);
  const ingresses = new Map(cluster.ingresses.map((ingress) => [keyOf(ingress.metadata), ingress]));
  return records.map((record) => {
    const key = keyOf(record);
    const seen = lookSafely(parts, record, ingresses.get(key), cluster);
    const { secretName } = parts.settings;
    return viewOf(record, seen, { secretName, copies, probe: probes.get(key) });
  });
}

/** One that cannot be looked at is not safe as far as is known, and says nothing of the others. */
function lookSafely(
  parts: EnforcementParts,
  record: VerificationRecord,
  live: Ingress | undefined,
  cluster: Cluster,
): Seen {
  try {
    return look(parts, record, live, cluster);
  } catch (error) {
    const problems = [notJudged(error)];
    return { ingress: presence(live, record), differences: [], problems, warnings: [], state: 'Unsafe' };
  }
}

function look(
  parts: EnforcementParts,
  record: VerificationRecord,
  live: Ingress | undefined,
  cluster: Cluster,
): Seen {
  const ingress = presence(live, record);
  if (live === undefined) return { ingress, differences: [], problems: [], warnings: [] };
  if (record.unreadable !== undefined) {
    const changed = differences(live, record.written);
    return { ingress, differences: changed, problems: [record.unreadable], warnings: [] };
  }
  const previous = ingress === 'present' ? record : undefined;
  const { plan, reasons } = judge(parts, wishOf(record), { live, previous, cluster });
  const warnings = [
    ...plan.warnings,
    ...refusalOf(live, parts.settings),
    ...unsafeDeclaration(parts, record, live, cluster),
  ];
  // A recreated one has a wish, but nothing that was written to it.
  if (previous === undefined) return { ingress, differences: [], problems: reasons, warnings };
  const changed = differences(live, record.written);
  const { trouble } = record;
  // What hindered the last attempt matters only while there is something left to do.
  const hindrances = changed.length === 0 ? [] : trouble;
  return {
    ingress,
    differences: changed,
    conflicts: isTakeover(record)
      ? []
      : conflictsOf(
          live,
          changed,
          trouble.some(({ code }) => code === 'taken-away-again'),
        ),
    problems: [...reasons, ...hindrances.filter(({ code }) => !reasons.some((each) => each.code === code))],
    warnings,
  };
}

/** What its annotations ask for by now, where that is another wish than the recorded one, and not carried out. */
function unsafeDeclaration(
  parts: EnforcementParts,
  record: VerificationRecord,
  live: Ingress,
  cluster: Cluster,
): FaultReason[] {
  const declaration = declarationOf(live);
  if (declaration.kind !== 'wish' || refusalOf(live, parts.settings).length > 0) return [];
  const judgement = judge(parts, declaration.wish, { live, previous: record, cluster });
  if (isSameWish(record, judgement) || judgement.reasons.length === 0) return [];
  const reasons = judgement.reasons.map(({ detail }) => detail).join(' ');
  const detail = `What the annotations ask for by now is not carried out: ${reasons}`;
  return [{ code: 'declaration-unsafe', detail }];
}

/** Somebody asked for it by a call, which overrules whoever holds the annotations, and it is yet to be finished. */
function isTakeover({ state, origin, trouble }: VerificationRecord): boolean {
  return state === 'applying' && origin === 'api' && trouble.length === 0;
}

async function probesOf(
  { probes }: EnforcementParts,
  records: readonly VerificationRecord[],
): Promise<Map<string, ProbeReport>> {
  const [first] = records;
  if (probes === undefined || first === undefined) return new Map();
  const one = records.length === 1 ? await probes.latest(first.namespace, first.name) : undefined;
  const reports = records.length === 1 ? [one].filter((report) => report !== undefined) : await probes.list();
  return new Map(reports.map((report) => [keyOf(report), report]));
}

function keyOf({ namespace = '', name }: { readonly namespace?: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
