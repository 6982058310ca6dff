import { Fault } from '../fault.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import { differences } from './annotation-change.ts';
import { type Cluster, readCluster } from './cluster.ts';
import type { ChainedAuthority, EnforcementParts } from './parts.ts';
import { checkPlace, chooseAdapter, planFor } from './planning.ts';
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
  const cluster = await readCluster(parts.kubernetes, parts.settings.controllerConfigMap);
  const ingresses = new Map(cluster.ingresses.map((ingress) => [keyOf(ingress.metadata), ingress]));
  return records.map((record) => {
    const seen = look(parts, record, ingresses.get(keyOf(record)), cluster);
    return viewOf(record, seen, parts.settings.secretName, parts.publisher);
  });
}

function look(
  parts: EnforcementParts,
  record: VerificationRecord,
  live: Ingress | undefined,
  cluster: Cluster,
): Seen {
  const ingress = presence(live, record);
  if (live === undefined || ingress !== 'present') {
    return { ingress, differences: [], problems: [], warnings: [] };
  }
  const authority = authorityOf(parts, record.authority);
  const choice = chooseAdapter(parts.adapters, record.controller, live, cluster);
  const plan = planFor(choice, live, record, cluster, {
    settings: record.settings,
    intermediates: authority?.chain.length ?? 0,
    secretName: parts.settings.secretName,
  });
  const problems = [...checkPlace(record.namespace, undefined, parts.settings), ...plan.reasons];
  if (authority === undefined) {
    problems.push({
      code: 'authority-missing',
      detail: `There is no authority ${record.authority} any more.`,
    });
  }
  return { ingress, differences: differences(live, record.written), problems, warnings: plan.warnings };
}

function authorityOf(parts: EnforcementParts, name: string): ChainedAuthority | undefined {
  try {
    return parts.authorities.get(name);
  } catch (error) {
    if (error instanceof Fault && error.code === 'authority-not-found') return undefined;
    throw error;
  }
}

function keyOf({ namespace = '', name }: { readonly namespace?: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
