import assert from 'node:assert/strict';
import { test } from 'node:test';
import { annotationsToApply, differences, rememberBefore } from '../../src/enforcement/annotation-change.ts';
import { declarationAnnotation, declarationOf } from '../../src/enforcement/declaration.ts';
import { createHostIndex } from '../../src/enforcement/host-index.ts';
import { createAnswerReader, longestAnswerOctets } from '../../src/enforcement/probe/http-answer.ts';
import { targetsOf } from '../../src/enforcement/probe/place.ts';
import { compilePattern } from '../../src/issuance/pattern.ts';
import type { Ingress } from '../../src/kubernetes/objects.ts';
import { scrub } from '../../src/observability/scrub.ts';
import { readAllowRules } from '../../src/verification/allow-rule.ts';
import { codes, ingress, plan } from './fixtures.ts';

/** What the annotations of one object can hold (apimachinery TotalAnnotationSizeLimitB). */
const mostText = 256 * 1024;
const mostMs = 50;

/**
 * Milliseconds of CPU of the thread of the event loop: no other process or thread counts, however busy the machine is. The least of several runs, so that
 * neither a compilation nor a collection of garbage counts. What was quadratic took seconds.
 */
function cpuMs<T>(prepare: () => T, work: (prepared: T) => unknown): number {
  const runs = Array.from({ length: 7 }, () => {
    const prepared = prepare();
    const before = process.threadCpuUsage();
    work(prepared);
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...runs);
}

function assertCheap(what: string, work: () => unknown): void {
  assertCheapOn(what, () => undefined, work);
}

/** New objects for each run, made before it: what was found out about the last ones must not help. */
function assertCheapOn<T>(what: string, prepare: () => T, work: (prepared: T) => unknown): void {
  const ms = cpuMs(prepare, work);
  assert.ok(ms < mostMs, `${what} takes ${ms.toFixed(1)} ms of CPU`);
}

const filled = (text: string) => text.repeat(Math.ceil(mostText / text.length)).slice(0, mostText);
const numbered = (count: number, name: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => name(index));

const worstTexts = [
  'error_page ',
  'error_page x; ',
  'error_page 49',
  'access_by_lua',
  ' ',
  'server_name ',
  'server_name a.b.c.d.e.f.g.x.example; ',
  'a.'.repeat(120),
  '{',
  '"',
  'location',
];

for (const text of worstTexts) {
  test(`256 KiB of ${JSON.stringify(text.slice(0, 40))} in a snippet, of ours or of a neighbour, cost little`, () => {
    for (const name of ['server-snippet', 'configuration-snippet', 'server-alias', 'custom-http-errors']) {
      const annotations = { [name]: filled(text) };
      const settings = { revocation: 'both' } as const;
      assertCheap(`own ${name}`, () => plan(ingress({ annotations }), { settings }));
      const prepare = () => [
        ingress({ name: 'other', annotations }),
        ingress({ name: 'below', hosts: ['b.x.example'], annotations }),
      ];
      const target = ingress({ hosts: ['a.example', '*.x.example'] });
      assertCheapOn(`a neighbour's ${name}`, prepare, (others) => plan(target, { others, settings }));
    }
  });
}

test('a snippet longer than is read is refused for that', () => {
  const target = ingress({ annotations: { 'server-snippet': filled('more_set_headers "X: y"; ') } });
  assert.deepEqual(codes(plan(target).reasons), ['snippet-too-long']);
  assert.deepEqual(plan(target, { config: {} }).reasons, []);
});

function assertPlanCheap(target: Ingress): void {
  const fresh = () => structuredClone(target);
  const other = () => ({ ...fresh(), metadata: { ...target.metadata, name: 'other' } });
  assertCheapOn('a plan', fresh, (ours) => plan(ours));
  const beside = () => [fresh(), other()] as const;
  assertCheapOn('a plan beside its like', beside, ([ours, theirs]) => plan(ours, { others: [theirs] }));
  const few = ingress({ hosts: target.spec?.rules?.slice(0, 3).map(({ host }) => host ?? '') ?? [] });
  assertCheapOn('a plan beside it', other, (theirs) => plan(few, { others: [theirs] }));
}

test('8,000 hosts cost little: with and without certificates, below wildcards, and wildcards themselves', () => {
  const hosts = numbered(8_000, (index) => `h${index}.x.example`);
  assertPlanCheap(ingress({ hosts }));
  assertPlanCheap(ingress({ hosts, tlsHosts: [] }));
  assertPlanCheap(ingress({ hosts: ['*.x.example', ...hosts], tlsHosts: ['*.x.example'] }));
  assertPlanCheap(ingress({ hosts: numbered(8_000, (index) => `*.h${index}.example`) }));
  assertPlanCheap(ingress({ hosts: numbered(8_000, () => 'A.example') }));
});

test('what an Ingress with the most hosts costs does not grow with each of its neighbours and their hosts', () => {
  const hosts = numbered(1_000, (index) => `h${index}.x.example`);
  const others = numbered(8, (index) => `other-${index}`).map((name) =>
    ingress({ name, hosts: [...hosts, ...numbered(1_000, (index) => `${name}-${index}.example`)] }),
  );
  const prepare = () => structuredClone(others);
  assertCheapOn('a plan', prepare, (fresh) => plan(ingress({ hosts, tlsHosts: [] }), { others: fresh }));
});

test('a thousand hosts can be enforced, and one more cannot', () => {
  const hosts = numbered(1_001, (index) => `h${index}.example`);
  assert.deepEqual(plan(ingress({ hosts: hosts.slice(1) })).reasons, []);
  assert.deepEqual(codes(plan(ingress({ hosts })).reasons), ['too-many-hosts']);
});

test('of many findings of one code the first are named and the others counted', () => {
  const { reasons } = plan(ingress({ hosts: numbered(500, (index) => `h${index}.example`), tlsHosts: [] }));
  assert.equal(reasons.length, 21);
  assert.ok(reasons.every(({ code }) => code === 'tls-missing'));
  assert.match(reasons.at(-1)?.detail ?? '', /480/);
});

test('a finding about shared hosts stays short, however many there are', () => {
  const hosts = numbered(1_000, (index) => `h${index}.example`);
  const annotations = { 'ssl-redirect': 'false' };
  const { reasons } = plan(ingress({ hosts }), { others: [ingress({ name: 'other', hosts, annotations })] });
  assert.deepEqual(codes(reasons), ['plain-http-neighbour']);
  assert.ok((reasons[0]?.detail.length ?? 0) < 500);
});

test('8,000 hosts cost little in the index of hosts and for the probe', () => {
  const hosts = numbered(8_000, (index) => `h${index}.x.example`);
  const target = ingress({ hosts });
  assertCheap('the index', () => {
    const index = createHostIndex();
    for (const key of ['app/one', 'app/two', 'app/one']) index.update(key, target);
  });
  assertCheap('the targets', () => targetsOf(hosts, target));
});

test('managedFields under our own name, of thousands of annotations, cost little', () => {
  const names = numbered(8_000, (index) => `tenant.example/a${index}`);
  const fields = Object.fromEntries(names.map((name) => [`f:${name}`, {}]));
  const prepare = () =>
    ingress({
      metadata: {
        annotations: Object.fromEntries(names.map((name) => [name, 'x'])),
        managedFields: [
          {
            manager: 'internal-ca',
            operation: 'Apply',
            fieldsV1: { 'f:metadata': { 'f:annotations': fields } },
          },
        ],
      },
    });
  const written = Object.fromEntries(names.slice(0, 10).map((name) => [name, 'y']));
  assertCheapOn('the change of annotations', prepare, (live) => {
    const before = rememberBefore(live, undefined, written);
    annotationsToApply(live, before, written);
    differences(live, written);
  });
});

test('the worst declaration costs little', () => {
  const subject = `CN=${' '.repeat(1_000)}x`;
  const rules = JSON.stringify(Array.from({ length: 15 }, () => ({ subject })));
  for (const allow of [rules, filled('['), filled(' ')]) {
    const annotations = { [declarationAnnotation]: 'on', [`${declarationAnnotation}-allow`]: allow };
    assertCheap('reading it', () => declarationOf(ingress({ metadata: { annotations } })));
  }
  assertCheap('64 rules', () =>
    readAllowRules(
      Array.from({ length: 64 }, () => ({ subject })),
      'allow',
    ),
  );
});

test('a pattern that JavaScript would need years for costs little', () => {
  const pattern = compilePattern('(a+)+');
  assertCheap('the name', () => pattern.test(`${'a'.repeat(2_047)}b`));
  assert.deepEqual([pattern.test('aaa'), pattern.test('aab'), pattern.test('baa')], [true, false, false]);
});

test('a log line of the beginnings of tokens costs little', () => {
  for (const text of ['-eyJ', '-eyJabcdefgh', 'Bearer ', '-----BEGIN A-----', 'ica_', 'a://'])
    assertCheap(`a line of ${text}`, () => scrub(filled(text)));
});

test('an answer that comes octet by octet costs little', () => {
  const texts = [`HTTP/1.1 400 x\r\n${'a: b\r\n'.repeat(4_000)}`, 'HTTP/1.1 100 x\r\n\r\n'.repeat(1_000)];
  for (const text of texts) {
    const octets = [...Buffer.from(text).subarray(0, longestAnswerOctets)].map((octet) => Buffer.of(octet));
    assertCheap('reading it', () => {
      const reader = createAnswerReader();
      for (const octet of octets) reader.push(octet);
    });
  }
});
