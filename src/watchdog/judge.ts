import { type Finding, findings } from '../store/published-places.ts';
import type { Content, WatchedPlace } from './content.ts';
import type { Expectation } from './expectation.ts';
import type { CrlReading } from './read-crl.ts';

export interface Judgement {
  readonly finding: Finding;
  /** In words, unless all is well. */
  readonly detail?: string;
}

/** What a content is held against. */
export interface Measure {
  /** In milliseconds since 1970. */
  readonly now: number;
  readonly overlapSeconds: number;
  readonly expected: Pick<Expectation, 'due'>;
}

const well: Judgement = { finding: 'current' };

/** What is to be said of what lies at a place now: the worst of it. */
export function judge(
  place: Pick<WatchedPlace, 'graceSeconds' | 'wanted'>,
  content: Exclude<Content, { kind: 'gone' }>,
  measure: Measure,
): Judgement {
  if (content.kind !== 'content') return { finding: content.kind, detail: content.detail };
  const { crlsOf, mayHaveCrls } = place.wanted();
  const { crls } = content;
  if (!mayHaveCrls)
    return crls.length === 0
      ? well
      : { finding: 'behind', detail: 'it still has a CRL, and should have none' };
  const absent = crlsOf.find((name) => !crls.some(({ authority }) => authority === name));
  if (absent !== undefined) return { finding: 'missing', detail: `there is no CRL of ${absent}` };
  return crls
    .flatMap((crl) => [
      judgeLeft(crl, place.graceSeconds, measure),
      judgeBegin(crl, measure),
      judgeNumber(crl, place.graceSeconds, measure),
    ])
    .reduce(worse, well);
}

/** What time alone has made of what was read some time ago. */
export function judgeAge(
  { graceSeconds }: Pick<WatchedPlace, 'graceSeconds'>,
  content: Exclude<Content, { kind: 'gone' }>,
  measure: Omit<Measure, 'expected'>,
): Judgement {
  if (content.kind !== 'content') return well;
  return content.crls.map((crl) => judgeLeft(crl, graceSeconds, measure)).reduce(worse, well);
}

function judgeBegin({ authority, thisUpdate }: CrlReading, { now }: Measure): Judgement {
  if (thisUpdate.getTime() <= now) return well;
  return {
    finding: 'not-yet-valid',
    detail: `the CRL of ${authority} holds from ${thisUpdate.toISOString()}`,
  };
}

function judgeLeft(
  { authority, nextUpdate }: CrlReading,
  grace: number,
  measure: Omit<Measure, 'expected'>,
): Judgement {
  const left = nextUpdate.getTime() - measure.now;
  const until = nextUpdate.toISOString();
  if (left <= 0) return { finding: 'lapsed', detail: `the CRL of ${authority} lapsed at ${until}` };
  return left < lapsingMs(measure.overlapSeconds, grace)
    ? { finding: 'lapsing', detail: `the CRL of ${authority} lapses at ${until}` }
    : well;
}

/**
 * A CRL is signed anew when the overlap is left, and is everywhere within the grace: half of what is left then is far from where a
 * healthy service comes, and leaves as much again to act.
 */
function lapsingMs(overlapSeconds: number, graceSeconds: number): number {
  return Math.max(0, (overlapSeconds - graceSeconds) / 2) * 1000;
}

function judgeNumber({ authority, number }: CrlReading, grace: number, { expected }: Measure): Judgement {
  const due = expected.due(authority, grace);
  if (due === undefined || number >= due) return well;
  return { finding: 'behind', detail: `it has CRL ${number} of ${authority}, and should have ${due}` };
}

export function worse(a: Judgement, b: Judgement): Judgement {
  return findings.indexOf(b.finding) > findings.indexOf(a.finding) ? b : a;
}
