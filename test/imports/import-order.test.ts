import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { membersOf } from '../../src/members-of.ts';
import { revocationReasons } from '../../src/x509/revocation-reason.ts';
import {
  bytesOf,
  day,
  type EntryWish,
  foreignCertificate,
  foreignCrl,
  type ImportBench,
  importBench,
  indexLine,
  keyA,
  keyB,
  now,
  openSslTime,
  pemOf,
  stateOf,
} from './import-bench.ts';

const serials = ['01', '02', '03', '04', '05'];
const ends = [-2, 5, 100].map((days) => new Date(now + days * day));

interface Known {
  readonly certificate?: { readonly key: number; readonly end: number } | undefined;
  readonly line?:
    | { readonly valid: boolean; readonly reason: string; readonly days: number; readonly end: number }
    | undefined;
  readonly entry?: { readonly reason: (typeof revocationReasons)[number]; readonly days: number } | undefined;
}

const known: fc.Arbitrary<Known> = fc.record({
  certificate: fc.option(fc.record({ key: fc.nat(1), end: fc.nat(2) }), { nil: undefined }),
  line: fc.option(
    fc.record({
      valid: fc.boolean(),
      reason: fc.constantFrom(...revocationReasons),
      days: fc.integer({ min: 1, max: 3 }),
      end: fc.nat(2),
    }),
    { nil: undefined },
  ),
  entry: fc.option(
    fc.record({ reason: fc.constantFrom(...revocationReasons), days: fc.integer({ min: 1, max: 3 }) }),
    { nil: undefined },
  ),
});

const before = (days: number): Date => new Date(now - days * day);

function lineOf(serial: string, line: NonNullable<Known['line']>): string {
  const revoked = `${openSslTime(before(line.days))},${line.reason}`;
  const notAfter = ends[line.end] ?? new Date(now);
  return indexLine({ serial, notAfter, ...(line.valid ? { flag: 'V' } : { revoked }) });
}

async function certificateOf(
  { authority }: ImportBench,
  serial: string,
  { key, end }: NonNullable<Known['certificate']>,
): Promise<string> {
  const notAfter = ends[end] ?? new Date(now);
  return pemOf(await foreignCertificate(authority, { serial, key: key === 0 ? keyA : keyB, notAfter }));
}

/** The three imports of a scenario. */
async function importsOf(bench: ImportBench, scenario: readonly Known[]) {
  const pems: string[] = ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'];
  const lines: string[] = [];
  const entries: EntryWish[] = [];
  for (const [i, { certificate, line, entry }] of scenario.entries()) {
    const serial = serials[i] ?? '';
    if (certificate !== undefined) pems.push(await certificateOf(bench, serial, certificate));
    if (line !== undefined) lines.push(lineOf(serial, line));
    if (entry !== undefined) entries.push({ serial, reason: entry.reason, revokedAt: before(entry.days) });
  }
  const crl = await foreignCrl(bench.authority, entries, { number: BigInt(entries.length + 1) });
  return [
    () => bench.importCertificates(pems.join('')),
    () => bench.importIndex(lines.join('')),
    () => bench.importCrl(crl),
  ] as const;
}

const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

/** What nobody's CRL has to list any more differs in whether ours lists it once more. */
function withoutLeaving(state: unknown): unknown {
  const revocations: unknown = membersOf(state).revocations;
  assert.ok(Array.isArray(revocations));
  const rows = revocations.map((row: unknown) => {
    const { not_after: end, in_crl: inCrl, entry, ...rest } = membersOf(row);
    const isOver = end instanceof Date && end.getTime() < now - day;
    return { ...rest, end, ...(isOver ? {} : { inCrl, entry }) };
  });
  return { ...membersOf(state), revocations: rows };
}

test('the order of the three imports makes no difference, and again changes nothing', async (t) => {
  const bench = await importBench(t);
  const clear = () =>
    bench.db.query({
      text: 'truncate certificates, revocations, revocation_changes, blocked_keys, hold_releases, crl_number_floors',
    });
  await fc.assert(
    fc.asyncProperty(fc.array(known, { minLength: 1, maxLength: serials.length }), async (scenario) => {
      const imports = await importsOf(bench, scenario);
      let expected: unknown;
      for (const order of orders) {
        await clear();
        for (const index of order) await imports[index]();
        const state = withoutLeaving(await stateOf(bench.db));
        expected ??= state;
        assert.deepEqual(state, expected, `order ${order.join(', ')}`);
      }
      const bytes = await bytesOf(bench.db);
      for (const again of imports) await again();
      assert.deepEqual(await bytesOf(bench.db), bytes);
    }),
    { numRuns: 60 },
  );
});
