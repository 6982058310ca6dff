import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Circumstances, type HostAnswers, judgeHost } from '../../../src/enforcement/probe/judge.ts';
import type { ProbeAnswer } from '../../../src/enforcement/probe/probe-report.ts';

/** Every answer that a door can give, held against every wish. */

const http = (status: number, more: Partial<Extract<ProbeAnswer, { kind: 'http' }>> = {}): ProbeAnswer => ({
  kind: 'http',
  status,
  ...more,
});
const none = http(400, { refusal: 'no-certificate' });
const bad = http(400, { refusal: 'bad-certificate' });
const wrongName = http(403, { refusal: 'name-not-allowed' });
const closed = http(403, { refusal: 'closed' });
const perhaps = http(200, { refusal: 'perhaps' });
const redirect = http(308, { location: 'https://a.example/' });
const alert = (name: string): ProbeAnswer => ({ kind: 'tls-alert', alert: name });

/** A door in mode `on` that does all as wished. */
const good: HostAnswers = {
  'no-certificate': none,
  'our-certificate': http(200),
  'unknown-authority': bad,
  'plain-http': redirect,
};

function judge(answers: Partial<HostAnswers>, how: Partial<Circumstances> = {}): Record<string, string> {
  const judged = judgeHost(
    { ...good, ...answers },
    { settings: { mode: 'on' }, clockSkewed: false, pathIsWhole: true, ...how },
  );
  return Object.fromEntries(
    judged.map(({ check, finding }) => {
      assert.equal(finding === undefined, check.outcome === 'as-expected', check.name);
      return [check.name, finding === undefined ? 'fine' : `${check.outcome}: ${finding}`];
    }),
  );
}

const all = (answer: ProbeAnswer): Partial<HostAnswers> => ({
  'no-certificate': answer,
  'our-certificate': answer,
  'unknown-authority': answer,
});
const on = { settings: { mode: 'on' } } as const;
const optional = { settings: { mode: 'optional' } } as const;
const off = { settings: { mode: 'off' } } as const;
const forAlice = { settings: { mode: 'on', matchCommonName: 'alice' } } as const;
const forAnyName = { settings: { mode: 'on', matchCommonName: '*' } } as const;

test('all as wished', () => {
  const fine = {
    'no-certificate': 'fine',
    'our-certificate': 'fine',
    'unknown-authority': 'fine',
    'plain-http': 'fine',
  };
  assert.deepEqual(judge({}, on), fine);
  assert.deepEqual(judge({ 'no-certificate': http(200) }, optional), fine);
  assert.deepEqual(judge({ ...all(http(200)), 'plain-http': http(200) }, off), fine);
  assert.deepEqual(judge({ 'our-certificate': wrongName, 'plain-http': wrongName }, forAlice), fine);
  assert.deepEqual(judge({ 'plain-http': wrongName }, forAnyName), fine);
  const byAlert = {
    'no-certificate': alert('certificate_required'),
    'unknown-authority': alert('unknown_ca'),
  };
  assert.deepEqual(judge(byAlert, on), fine);
  const toErrorPage = http(302, { location: 'https://help.example/', refusal: 'error-page' });
  assert.deepEqual(judge({ 'no-certificate': toErrorPage, 'unknown-authority': toErrorPage }, on), fine);
});

test('an application answers whatever it likes to whoever is let in', () => {
  for (const status of [200, 204, 301, 400, 401, 403, 404, 500, 501])
    assert.equal(judge({ 'our-certificate': http(status) })['our-certificate'], 'fine', String(status));
});

test('anybody let in contradicts, whatever the application says to them', () => {
  for (const status of [200, 302, 400, 401, 404, 500]) {
    const open = judge({ 'no-certificate': http(status), 'unknown-authority': http(status) });
    assert.equal(open['no-certificate'], 'contradicts: open-without-certificate', String(status));
    assert.equal(open['unknown-authority'], 'contradicts: unknown-authority-let-in');
  }
  assert.equal(
    judge({ 'no-certificate': http(200), 'unknown-authority': http(200) }, optional)['unknown-authority'],
    'contradicts: unknown-authority-let-in',
  );
});

test('a valid certificate refused contradicts', () => {
  for (const answer of [bad, none, alert('unknown_ca'), alert('certificate_revoked')])
    for (const how of [on, optional, forAlice])
      assert.equal(judge({ 'our-certificate': answer }, how)['our-certificate'], 'contradicts: ours-refused');
  assert.equal(
    judge({ 'our-certificate': wrongName }, forAnyName)['our-certificate'],
    'contradicts: ours-refused',
  );
});

test('a door whose clock is away may refuse a valid certificate for its time', () => {
  assert.equal(
    judge({ 'our-certificate': bad }, { clockSkewed: true })['our-certificate'],
    'unclear: clock-skew',
  );
  assert.equal(judge({}, { clockSkewed: true })['our-certificate'], 'fine');
  // It explains nothing else.
  assert.equal(
    judge({ 'no-certificate': http(200) }, { clockSkewed: true })['no-certificate'],
    'contradicts: open-without-certificate',
  );
});

test('403 for everybody is a closed door, not an enforced one', () => {
  for (const how of [on, optional, forAlice]) {
    const found = judge({ ...all(closed), 'plain-http': closed }, how);
    assert.equal(found['our-certificate'], 'contradicts: closed-to-everybody');
    assert.equal(found['plain-http'], 'fine');
  }
  assert.equal(judge(all(http(403)), on)['our-certificate'], 'contradicts: closed-to-everybody');
  // An application may say so to whoever comes.
  assert.equal(judge(all(http(403)), off)['our-certificate'], 'fine');
  assert.equal(judge(all(closed), off)['our-certificate'], 'unclear: answer-unclear');
  // Where all are let in, 403 in the application's own words is no closed door: a stranger has come to it.
  const byApplication = judge(all(http(403)), optional);
  assert.equal(byApplication['our-certificate'], 'fine');
  assert.equal(byApplication['unknown-authority'], 'contradicts: unknown-authority-let-in');
  // Behind a working check it comes from something else: an allow-list of addresses, the application.
  assert.equal(judge({ 'our-certificate': closed })['our-certificate'], 'fine');
  assert.equal(judge({ 'no-certificate': closed })['no-certificate'], 'unclear: answer-unclear');
  assert.equal(judge({ ...all(closed), 'unknown-authority': bad }, optional)['unknown-authority'], 'fine');
});

test('matchCommonName: another name that is let in contradicts', () => {
  assert.equal(judge({}, forAlice)['our-certificate'], 'contradicts: name-not-checked');
  const probe = { settings: { mode: 'on', matchCommonName: 'internal-ca-probe' } } as const;
  assert.equal(judge({}, probe)['our-certificate'], 'fine');
  assert.equal(
    judge({ 'our-certificate': wrongName }, probe)['our-certificate'],
    'contradicts: ours-refused',
  );
  // Somebody else's pattern, which we left in force: to have come to it proves the certificate.
  assert.equal(judge({ 'our-certificate': wrongName }, on)['our-certificate'], 'fine');
});

test('what is optional or off must not refuse for want of a certificate', () => {
  assert.equal(judge({}, optional)['no-certificate'], 'contradicts: refused-without-certificate');
  const found = judge({ ...all(bad), 'no-certificate': none }, off);
  for (const name of ['no-certificate', 'our-certificate', 'unknown-authority'])
    assert.equal(found[name], 'contradicts: still-verified');
});

test('an application that does not answer is behind the check or before it', () => {
  for (const status of [502, 503, 504, 429]) {
    assert.equal(judge({ 'our-certificate': http(status) })['our-certificate'], 'fine');
    const everywhere = judge(all(http(status)));
    for (const name of ['no-certificate', 'our-certificate', 'unknown-authority'])
      assert.equal(everywhere[name], 'unclear: answer-unclear', name);
  }
  assert.equal(judge({ ...all(http(503)), 'unknown-authority': bad }, optional)['no-certificate'], 'fine');
});

test('what could not be tried is unclear', () => {
  for (const kind of [
    'refused',
    'timeout',
    'reset',
    'closed',
    'unresolved',
    'unreachable',
    'tls-failed',
    'malformed',
  ] as const)
    for (const how of [on, optional, off, forAlice])
      for (const name of ['no-certificate', 'our-certificate', 'unknown-authority'] as const)
        assert.equal(judge({ ...all({ kind }) }, how)[name], 'unclear: door-unreachable', `${kind} ${name}`);
  // Not about the certificate.
  assert.equal(judge(all(alert('unrecognized_name')))['our-certificate'], 'unclear: door-unreachable');
});

test('an error page of the host itself cannot be told from the application', () => {
  const found = judge({ ...all(perhaps) });
  for (const name of ['no-certificate', 'our-certificate', 'unknown-authority'])
    assert.equal(found[name], 'unclear: error-page-local');
});

test('plain HTTP has to be redirected, refused, or not there', () => {
  const plain = (answer: ProbeAnswer, how: Partial<Circumstances> = on) =>
    judge({ 'plain-http': answer }, how)['plain-http'];
  for (const answer of [
    redirect,
    http(301, { location: 'HTTPS://b/' }),
    http(426),
    { kind: 'refused' } as const,
  ])
    assert.equal(plain(answer), 'fine');
  assert.equal(plain({ kind: 'closed' }), 'fine');
  for (const answer of [
    http(200),
    http(302, { location: 'http://a.example/login' }),
    http(401),
    http(500),
    perhaps,
  ])
    assert.equal(plain(answer), 'contradicts: plain-http-open');
  for (const kind of ['timeout', 'reset', 'unreachable', 'unresolved'] as const)
    assert.equal(plain({ kind }), 'unclear: plain-http-unseen');
  for (const answer of [http(403), closed, http(400), http(503)])
    assert.equal(plain(answer), 'unclear: plain-http-unclear');
  for (const how of [optional, off]) assert.equal(plain(http(200), how), 'fine');
});

test('404 over plain HTTP is the application when it says the same to us', () => {
  const both = { 'our-certificate': http(404), 'plain-http': http(404) };
  assert.equal(judge(both)['plain-http'], 'contradicts: plain-http-open');
  assert.equal(judge({ 'plain-http': http(404) })['plain-http'], 'unclear: plain-http-unclear');
  assert.equal(judge(both, { pathIsWhole: false })['plain-http'], 'unclear: plain-http-unclear');
});

/** A door that asks us about each request. */
function judgeOnline(answers: Partial<HostAnswers>, settings: Circumstances['settings'] = { mode: 'on' }) {
  const shown = { ...good, 'revoked-certificate': closed, ...answers };
  const judged = judgeHost(shown, { settings, clockSkewed: false, pathIsWhole: true });
  const of = (name: string) => judged.find(({ check }) => check.name === name);
  const ours = of('our-certificate')?.finding ?? 'fine';
  const revoked = of('revoked-certificate');
  return [ours, revoked?.finding ?? 'fine', revoked?.provesOnline];
}

const answers = (ours: ProbeAnswer, revoked: ProbeAnswer) => ({
  'our-certificate': ours,
  'revoked-certificate': revoked,
});
const unauthenticated = http(401, { refusal: 'unauthenticated' });
const unverifiable = http(500, { refusal: 'unverifiable' });

test('a revoked one that is refused where its like is let in proves that the door asks and heeds', () => {
  for (const ours of [http(200), http(404), http(401), http(500), http(502), unverifiable, unauthenticated])
    assert.deepEqual(judgeOnline(answers(ours, closed)), ['fine', 'fine', true], JSON.stringify(ours));
  for (const settings of [{ mode: 'optional' }, { mode: 'on', matchCommonName: '*' }] as const)
    assert.deepEqual(judgeOnline(answers(http(200), closed), settings), ['fine', 'fine', true]);
});

test('a revoked one that is let in contradicts, whatever else is refused', () => {
  assert.deepEqual(judgeOnline(answers(http(200), http(200))), ['fine', 'revoked-let-in', false]);
  assert.deepEqual(judgeOnline(answers(http(200), http(404))), ['fine', 'revoked-let-in', false]);
});

test('the same refusal for both proves nothing', () => {
  assert.deepEqual(judgeOnline(answers(closed, closed)), ['online-undecided', 'fine', false]);
  assert.deepEqual(judgeOnline(answers(unverifiable, unverifiable)), ['online-unavailable', 'fine', false]);
  assert.deepEqual(judgeOnline(answers(http(503), http(503))), ['fine', 'answer-unclear', false]);
  const others = { mode: 'on', matchCommonName: 'alice' } as const;
  assert.deepEqual(judgeOnline(answers(wrongName, wrongName), others), ['fine', 'fine', false]);
});

test('a revoked one that is refused for its name, by the CRL or in the handshake proves nothing of the kind', () => {
  for (const refused of [wrongName, bad, alert('certificate_revoked')])
    assert.deepEqual(judgeOnline(answers(http(200), refused)), ['fine', 'fine', false]);
  for (const unseen of [{ kind: 'timeout' }, { kind: 'closed' }] as const)
    assert.deepEqual(judgeOnline(answers(http(200), unseen)), ['fine', 'door-unreachable', false]);
  assert.deepEqual(judgeOnline(answers({ kind: 'timeout' }, closed)), ['door-unreachable', 'fine', false]);
});

test('rules of allow for others: refused as wished, unproven unless the refusals differ', () => {
  const settings = { mode: 'on', allow: [{ commonName: 'alice' }] } as const;
  assert.deepEqual(judgeOnline(answers(closed, closed), settings), ['fine', 'fine', false]);
  assert.deepEqual(judgeOnline(answers(closed, unauthenticated), settings), ['fine', 'fine', true]);
  assert.deepEqual(judgeOnline(answers(http(200), closed), settings)[0], 'allow-not-heeded');
  const welcome = { mode: 'on', allow: [{ subject: 'CN=internal-ca-probe' }] } as const;
  assert.deepEqual(judgeOnline(answers(http(200), closed), welcome), ['fine', 'fine', true]);
});

test('X-Forwarded-Proto that opens plain HTTP contradicts, with a finding of its own where only the header does', () => {
  const by = (answers: Partial<HostAnswers>) => judge(answers)['plain-http-forwarded'];
  assert.equal(by({}), undefined);
  assert.equal(by({ 'plain-http-forwarded': redirect }), 'fine');
  assert.equal(by({ 'plain-http-forwarded': http(200) }), 'contradicts: forwarded-proto-believed');
  assert.equal(
    by({ 'plain-http': http(200), 'plain-http-forwarded': http(200) }),
    'contradicts: plain-http-open',
  );
});
