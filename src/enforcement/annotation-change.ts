import { fieldManager } from '../kubernetes/client.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import { annotationsWeApplied, gitOpsTool, isGitOps, lastWriter, managersOf } from './managed-fields.ts';
import type { AnnotationConflict, AnnotationDifference, VerificationWarning } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';

type Before = Readonly<Record<string, string | null>>;
type Written = Readonly<Record<string, string>>;

/**
 * What to remember of the annotations that are about to be written, and of those written earlier: the value that somebody
 * else last gave them. So a repeated PUT never takes our own value for theirs.
 */
export function rememberBefore(
  live: Ingress,
  record: VerificationRecord | undefined,
  written: Written,
): Record<string, string | null> {
  const ours = new Set(annotationsWeApplied(live));
  const known: Before = record?.before ?? {};
  const before: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(known)) {
    if (ours.has(name)) before[name] = value;
  }
  for (const [name, value] of Object.entries(written)) {
    if (name in before) continue;
    const found = live.metadata.annotations?.[name] ?? null;
    // Ours alone, exactly what we write, and no record of it: the record was lost, nobody else ever set it.
    const lost = ours.has(name) && found === value && managersOf(live, name).every(isOurs);
    before[name] = lost ? null : found;
  }
  return before;
}

/**
 * The annotations of our next apply: what is wanted, and of those that we alone hold but no longer want, the value from
 * before us. What we leave out is removed by the API server, unless somebody else holds it as well: then it is theirs.
 */
export function annotationsToApply(live: Ingress, before: Before, written: Written): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name of annotationsWeApplied(live)) {
    if (!managersOf(live, name).every(isOurs)) continue;
    const value = name in before ? before[name] : live.metadata.annotations?.[name];
    if (typeof value === 'string') result[name] = value;
  }
  return { ...result, ...written };
}

/** What we hold but no longer want, and is not yet as it was before us. */
export function leftovers(live: Ingress, before: Before, written: Written): string[] {
  return annotationsWeApplied(live).filter((name) => {
    if (name in written || !(name in before) || !managersOf(live, name).every(isOurs)) return false;
    return (live.metadata.annotations?.[name] ?? null) !== before[name];
  });
}

/** The Ingress as it would be without us: what an adapter has to judge. */
export function withoutOurs(live: Ingress, record: VerificationRecord | undefined): Ingress {
  if (record === undefined) return live;
  const ours = new Set(annotationsWeApplied(live));
  const annotations: Record<string, string> = {};
  for (const [name, value] of Object.entries(live.metadata.annotations ?? {})) {
    const original = ours.has(name) && name in record.before ? record.before[name] : value;
    if (typeof original === 'string') annotations[name] = original;
  }
  return { ...live, metadata: { ...live.metadata, annotations } };
}

/** Which annotations are not as we wrote them. */
export function differences(live: Ingress, written: Written): AnnotationDifference[] {
  return Object.entries(written).flatMap(([annotation, wanted]) => {
    const found = live.metadata.annotations?.[annotation] ?? null;
    if (found === wanted) return [];
    const manager = managersOf(live, annotation).find((name) => !isOurs(name));
    return [{ annotation, wanted, found, ...(manager === undefined ? {} : { manager }) }];
  });
}

/**
 * Which of these somebody else stands in the way of: by holding the annotation, or by having taken ours away so often
 * that we let it be.
 */
export function conflictsOf(
  live: Ingress,
  found: readonly AnnotationDifference[],
  takenAwayAgain: boolean,
): AnnotationConflict[] {
  const remover = takenAwayAgain ? (lastWriter(live) ?? 'unknown') : undefined;
  return found.flatMap((difference) => {
    const { manager = remover, ...rest } = difference;
    return manager === undefined ? [] : [{ ...rest, manager }];
  });
}

/** Whose values we are about to overrule; a GitOps tool among them will put its own back. */
export function takeoverWarnings(live: Ingress, written: Written): VerificationWarning[] {
  return differences(live, written)
    .filter((difference) => difference.found !== null)
    .flatMap(({ annotation, found, manager }) => {
      if (manager === undefined) return [];
      const tool = isGitOps(manager) ? manager : gitOpsTool(live);
      const taken = {
        code: 'annotation-taken-over',
        detail: `${annotation} was "${found}", set by ${manager}.`,
      };
      if (tool === undefined) return [taken];
      const detail = `${tool} will put ${annotation} back to "${found}". Change it in its repository, too.`;
      return [taken, { code: 'gitops-will-revert', detail }];
    });
}

export interface Restoration {
  /** A merge patch's annotations: null removes. Empty when nothing of ours is left. */
  readonly annotations: Readonly<Record<string, string | null>>;
  readonly warnings: readonly VerificationWarning[];
}

/**
 * How to take ours back. What somebody set after us stays: it may be a policy of theirs, and taking it away could open
 * the host.
 */
export function restoration(live: Ingress, record: VerificationRecord): Restoration {
  const applied = new Set(annotationsWeApplied(live));
  const annotations: Record<string, string | null> = {};
  const warnings: VerificationWarning[] = [];
  for (const [name, before] of Object.entries(record.before)) {
    const found = live.metadata.annotations?.[name] ?? null;
    const managers = managersOf(live, name);
    const others = managers.filter((manager) => !isOurs(manager));
    // Without any ownership data (it can be reset) the value alone has to tell.
    const ours = applied.has(name) || (managers.length === 0 && found === record.written[name]);
    if (found === before) continue;
    if (ours && others.length === 0) {
      annotations[name] = before;
    } else {
      const detail = `${name} is "${found ?? ''}" now, set by ${others.join(', ') || 'somebody else'}; it was left so.`;
      warnings.push({ code: 'annotation-changed-since', detail });
    }
  }
  return { annotations, warnings };
}

function isOurs(manager: string): boolean {
  return manager === fieldManager;
}
