import { isAllowed } from '../../verification/allow-rule.ts';
import type { VerificationSettings } from '../verification.ts';
import type { FindingCode } from './findings.ts';
import { probeName } from './probe-name.ts';
import type { ProbeAnswer, ProbeCheck, ProbeCheckName, ProbeExpectation } from './probe-report.ts';
import { describeAnswer, isFromBehind, type Reading, readAnswer } from './readings.ts';

/** What one host answered. */
export interface HostAnswers {
  readonly 'no-certificate': ProbeAnswer;
  readonly 'our-certificate': ProbeAnswer;
  readonly 'unknown-authority': ProbeAnswer;
  /** Only where the door asks us about each request. */
  readonly 'revoked-certificate'?: ProbeAnswer;
  readonly 'plain-http': ProbeAnswer;
  /** The same request with `X-Forwarded-Proto: https`; only in mode `on`, which promises that there is no way round. */
  readonly 'plain-http-forwarded'?: ProbeAnswer;
}

export interface Circumstances {
  readonly settings: Pick<VerificationSettings, 'mode' | 'matchCommonName' | 'allow'>;
  /** The door's clock is so far from ours that our one-minute certificate may not be valid there. */
  readonly clockSkewed: boolean;
  /** The path that was asked for is one of the Ingress, not the beginning of a pattern. */
  readonly pathIsWhole: boolean;
}

export interface JudgedCheck {
  readonly check: ProbeCheck;
  /** It shows that a revoked certificate is refused for being revoked. */
  readonly provesOnline?: boolean;
  /** Absent where all is as expected. */
  readonly finding?: FindingCode;
}

/** Of a judgement, what is not the same for all. */
type Ruling =
  | { readonly outcome: 'as-expected' }
  | { readonly outcome: 'contradicts' | 'unclear'; readonly finding: FindingCode };

interface Case extends Circumstances {
  readonly answers: HostAnswers;
  /** Undefined where the door does not ask us. */
  readonly revoked: Reading | undefined;
  readonly none: Reading;
  readonly ours: Reading;
  readonly unknown: Reading;
  /** The door shuts out whoever comes: that is no answer to a certificate. */
  readonly closedToEverybody: boolean;
}

const fine: Ruling = { outcome: 'as-expected' };
const contradicts = (finding: FindingCode): Ruling => ({ outcome: 'contradicts', finding });
const unclear = (finding: FindingCode): Ruling => ({ outcome: 'unclear', finding });

/** Holds what one host answered against what is wished. */
export function judgeHost(answers: HostAnswers, circumstances: Circumstances): JudgedCheck[] {
  const none = readAnswer(answers['no-certificate']);
  const ours = readAnswer(answers['our-certificate']);
  const unknown = readAnswer(answers['unknown-authority']);
  const shown = answers['revoked-certificate'];
  const revoked = shown === undefined ? undefined : readAnswer(shown);
  const closedToEverybody = isClosedToEverybody(answers, circumstances, [none, ours, unknown]);
  const it: Case = { ...circumstances, answers, none, ours, unknown, revoked, closedToEverybody };
  return [
    judged(it, 'no-certificate', expectationOfNobody(it), ruleNobody(it)),
    judged(it, 'our-certificate', expectationOfOurs(it), ruleOurs(it)),
    judged(it, 'unknown-authority', it.settings.mode === 'off' ? 'let-in' : 'refused', ruleUnknown(it)),
    ...judgedRevoked(it, shown),
    judged(
      it,
      'plain-http',
      it.settings.mode === 'on' ? 'redirected-or-refused' : 'anything',
      rulePlainHttp(it, answers['plain-http']),
    ),
    ...judgedForwarded(it),
  ];
}

/**
 * 403 for all three. Where nobody is let in without a certificate, that is no application's; where it is optional, only a door
 * that is closed says it to a stranger, too, in its own words.
 */
function isClosedToEverybody(
  answers: HostAnswers,
  { settings: { mode } }: Circumstances,
  readings: readonly Reading[],
): boolean {
  if (mode === 'off') return false;
  if (mode === 'optional') return readings.every((reading) => reading === 'closed');
  const three = [answers['no-certificate'], answers['our-certificate'], answers['unknown-authority']];
  return three.every(
    (answer) => answer.kind === 'http' && answer.status === 403 && answer.refusal !== 'name-not-allowed',
  );
}

function judged(
  it: Case,
  name: Exclude<ProbeCheckName, 'revoked-certificate' | 'plain-http-forwarded'>,
  expected: ProbeExpectation,
  ruling: Ruling,
): JudgedCheck {
  return judgedAs(name, it.answers[name], expected, ruling);
}

function judgedRevoked(it: Case, answer: ProbeAnswer | undefined): JudgedCheck[] {
  if (answer === undefined || it.revoked === undefined) return [];
  const judgement = judgedAs(
    'revoked-certificate',
    answer,
    'refused',
    ruleStranger(it, it.revoked, 'revoked-let-in'),
  );
  return [{ ...judgement, provesOnline: provesOnline(it, answer) }];
}

function judgedAs(
  name: ProbeCheckName,
  answer: ProbeAnswer,
  expected: ProbeExpectation,
  ruling: Ruling,
): JudgedCheck {
  const check = { name, expected, answer, outcome: ruling.outcome, detail: describeAnswer(answer) };
  return ruling.outcome === 'as-expected' ? { check } : { check, finding: ruling.finding };
}

function expectationOfNobody({ settings }: Case): ProbeExpectation {
  return settings.mode === 'on' ? 'refused' : 'let-in';
}

function expectationOfOurs(it: Case): ProbeExpectation {
  return nameIsAnothers(it) || isNotAllowed(it) ? 'refused-for-its-name' : 'let-in';
}

/** Only one name is let in, and it is not the probe's. */
function nameIsAnothers({ settings: { mode, matchCommonName } }: Case): boolean {
  return mode === 'on' && matchCommonName !== undefined && !['*', probeName].includes(matchCommonName);
}

/** The rules are for others; who is turned away for that is turned away as one who is revoked. */
function isNotAllowed({ settings: { allow }, revoked }: Case): boolean {
  return revoked !== undefined && allow !== undefined && !isAllowed(allow, probeNames);
}

const probeNames = { subject: `CN=${probeName}`, commonName: probeName, subjectAltNames: [] };

function ruleNobody(it: Case): Ruling {
  if (it.settings.mode === 'on') return ruleStranger(it, it.none, 'open-without-certificate');
  return ruleWelcome(
    it,
    it.none,
    it.settings.mode === 'off' ? 'still-verified' : 'refused-without-certificate',
  );
}

function ruleUnknown(it: Case): Ruling {
  if (it.settings.mode === 'off') return ruleWelcome(it, it.unknown, 'still-verified');
  return ruleStranger(it, it.unknown, 'unknown-authority-let-in');
}

function ruleOurs(it: Case): Ruling {
  if (it.settings.mode === 'off') return ruleWelcome(it, it.ours, 'still-verified');
  if (it.ours === 'refused') return it.clockSkewed ? unclear('clock-skew') : contradicts('ours-refused');
  const online = ruleOursOnline(it);
  if (online !== undefined) return online;
  if (it.settings.mode === 'optional') return ruleWelcome(it, it.ours, 'ours-refused');
  if (it.closedToEverybody) return contradicts('closed-to-everybody');
  if (nameIsAnothers(it)) return ruleAnothersName(it);
  switch (it.ours) {
    case 'let-in':
      return fine;
    case 'refused-by-name':
      // With no name wished for, the pattern is somebody else's, and to have come to it proves the certificate.
      return it.settings.matchCommonName === undefined ? fine : contradicts('ours-refused');
    case 'closed':
    case 'from-behind':
      // Where nobody is let in without a certificate, another answer than that refusal comes from behind the check.
      return it.none === 'refused' ? fine : unclear('answer-unclear');
    default:
      return notSeen(it.ours);
  }
}

/** What follows from the door's asking us; undefined: what it would without. */
function ruleOursOnline(it: Case): Ruling | undefined {
  if (it.revoked === undefined) return undefined;
  // The application's own failure would not be shown to a revoked one.
  if (it.ours === 'unverifiable') return it.revoked === 'closed' ? fine : contradicts('online-unavailable');
  if (isNotAllowed(it)) {
    if (it.ours === 'closed' || it.ours === 'refused-by-name') return fine;
    return it.ours === 'let-in' ? contradicts('allow-not-heeded') : notSeen(it.ours);
  }
  if (it.closedToEverybody || it.ours !== 'closed') return undefined;
  return isSameRefusal(it.answers) ? unclear('online-undecided') : undefined;
}

function isSameRefusal({ 'our-certificate': ours, 'revoked-certificate': revoked }: HostAnswers): boolean {
  return ours.kind === 'http' && revoked?.kind === 'http' && ours.status === revoked.status;
}

/** Both certificates say the same and were issued the same way: what tells them apart is that one is revoked. */
function provesOnline(it: Case, revoked: ProbeAnswer): boolean {
  const refusedByUs = revoked.kind === 'http' && it.revoked === 'closed' && !it.closedToEverybody;
  if (!refusedByUs || it.answers['our-certificate'].kind !== 'http') return false;
  const passed: readonly Reading[] = ['let-in', 'closed', 'unverifiable', 'from-behind'];
  return passed.includes(it.ours) && !isSameRefusal(it.answers);
}

function ruleAnothersName(it: Case): Ruling {
  if (it.ours === 'refused-by-name') return fine;
  return it.ours === 'let-in' ? contradicts('name-not-checked') : notSeen(it.ours);
}

/** Somebody who has to be turned away. */
function ruleStranger(it: Case, reading: Reading, finding: FindingCode): Ruling {
  if (it.closedToEverybody || reading === 'refused' || reading === 'refused-by-name') return fine;
  if (it.revoked !== undefined && (reading === 'closed' || reading === 'unverifiable')) return fine;
  return reading === 'let-in' ? contradicts(finding) : notSeen(reading);
}

/** Somebody who must not be turned away for a certificate. */
function ruleWelcome(it: Case, reading: Reading, finding: FindingCode): Ruling {
  if (reading === 'refused' || reading === 'refused-by-name') return contradicts(finding);
  if (it.closedToEverybody) return contradicts('closed-to-everybody');
  // With nobody asked, a door that is closed and an application that says 403 to all look the same.
  if (reading === 'closed') return it.settings.mode === 'off' ? unclear('answer-unclear') : fine;
  return reading === 'let-in' || reading === 'from-behind' ? fine : notSeen(reading);
}

function notSeen(reading: Reading): Ruling {
  if (reading === 'perhaps') return unclear('error-page-local');
  return unclear(reading === 'nothing' ? 'door-unreachable' : 'answer-unclear');
}

/** Only mode `on` promises that nobody gets past; in the others whoever comes without a certificate is welcome anyway. */
function rulePlainHttp(it: Case, answer: ProbeAnswer): Ruling {
  if (it.settings.mode !== 'on') return fine;
  if (answer.kind !== 'http') {
    return answer.kind === 'refused' || answer.kind === 'closed' ? fine : unclear('plain-http-unseen');
  }
  const { status, location, refusal } = answer;
  if (status >= 300 && status < 400 && location?.toLowerCase().startsWith('https://') === true) return fine;
  if (refusal === 'name-not-allowed' || status === 426) return fine;
  if (status === 403 && it.closedToEverybody) return fine;
  return isPerhapsOpen(it, status) ? unclear('plain-http-unclear') : contradicts('plain-http-open');
}

/** A controller that believes the header redirects without it and lets everybody in with it. */
function judgedForwarded(it: Case): JudgedCheck[] {
  const answer = it.answers['plain-http-forwarded'];
  if (answer === undefined) return [];
  const ruling = rulePlainHttp(it, answer);
  const isOpenByHeader =
    ruling.outcome === 'contradicts' && rulePlainHttp(it, it.answers['plain-http']).outcome === 'as-expected';
  return [
    judgedAs(
      'plain-http-forwarded',
      answer,
      'redirected-or-refused',
      isOpenByHeader ? contradicts('forwarded-proto-believed') : ruling,
    ),
  ];
}

/** Statuses that whatever stands before the application may answer with, too. */
function isPerhapsOpen({ answers, pathIsWhole }: Case, status: number): boolean {
  if (status === 404) {
    const ours = answers['our-certificate'];
    return !(pathIsWhole && ours.kind === 'http' && ours.status === 404);
  }
  return status === 400 || status === 403 || isFromBehind(status);
}
