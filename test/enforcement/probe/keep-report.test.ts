import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { IngressEvent } from '../../../src/enforcement/events.ts';
import { keepReport } from '../../../src/enforcement/probe/keep-report.ts';
import type { DetailedProbeReport, ProbeVerdict } from '../../../src/enforcement/probe/probe-report.ts';
import { createProbeReports } from '../../../src/enforcement/probe/reports.ts';
import { createVerificationRecords } from '../../../src/enforcement/verification-records.ts';
import { createClientVerificationStore } from '../../../src/store/client-verifications.ts';
import { createProbeStore } from '../../../src/store/probes.ts';
import { createTestDatabase } from '../../support/database.ts';
import { ingress } from '../fixtures.ts';
import { recordOf } from './harness.ts';

const record = recordOf(ingress(), ['a.example']);

function reportOf(verdict: ProbeVerdict, change: Partial<DetailedProbeReport> = {}): DetailedProbeReport {
  return {
    namespace: record.namespace,
    name: record.name,
    verdict,
    probedAt: new Date('2026-11-23T12:05:00Z'),
    recordUpdatedAt: record.updatedAt,
    address: '192.0.2.1',
    hosts: [],
    reasons: verdict === 'confirmed' ? [] : [{ code: 'open-without-certificate', detail: 'It is open.' }],
    ...change,
  };
}

async function setUp(t: TestContext) {
  const { db } = await createTestDatabase(t);
  const records = createVerificationRecords(createClientVerificationStore(db));
  await records.put(record);
  const rows = createProbeStore(db);
  const reports = createProbeReports(rows, records);
  const told: (Pick<IngressEvent, 'reason'> & { regarding: unknown; type: string; message: string })[] = [];
  const counted: string[] = [];
  const parts = {
    rows,
    reports,
    metrics: { probed: (verdict: string) => void counted.push(verdict) },
    events: {
      record: (regarding: unknown, event: { type: string; reason: string; message: string }) =>
        void told.push({ regarding, ...event } as (typeof told)[number]),
    },
  };
  return {
    rows,
    reports,
    records,
    told,
    counted,
    keep: (report: DetailedProbeReport, about = record) => keepReport(parts, about, report),
    standing: async () => (await reports.latest(record.namespace, record.name))?.verdict,
  };
}

test('the report that is kept comes back without its hosts', async (t) => {
  const { keep, reports } = await setUp(t);
  const { hosts: _hosts, ...kept } = reportOf('contradicted');
  await keep(reportOf('contradicted'));
  assert.deepEqual(await reports.latest(record.namespace, record.name), kept);
  assert.deepEqual(await reports.list(), [kept]);
  assert.equal(await reports.latest('app', 'other'), undefined);
});

test('it is told beside the Ingress when the verdict turns, and only then', async (t) => {
  const { keep, told, counted } = await setUp(t);
  for (const verdict of ['confirmed', 'contradicted', 'contradicted', 'confirmed', 'confirmed'] as const)
    await keep(reportOf(verdict));
  assert.deepEqual(
    told.map(({ type, reason }) => `${type} ${reason}`),
    ['Warning ProbeContradicts', 'Normal ProbeConfirms'],
  );
  assert.equal(told[0]?.message, 'It is open.');
  assert.deepEqual(told[0]?.regarding, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    namespace: 'app',
    name: 'web',
    uid: record.uid,
  });
  assert.deepEqual(counted, ['confirmed', 'contradicted', 'contradicted', 'confirmed', 'confirmed']);
});

test('a first contradiction is told, too', async (t) => {
  const { keep, told } = await setUp(t);
  await keep(reportOf('contradicted'));
  assert.equal(told[0]?.reason, 'ProbeContradicts');
});

test('a try that told nothing takes back no contradiction', async (t) => {
  const { keep, told, standing } = await setUp(t);
  await keep(reportOf('contradicted'));
  await keep(reportOf('inconclusive'));
  assert.equal(await standing(), 'contradicted');
  await keep(reportOf('confirmed'));
  assert.equal(await standing(), 'confirmed');
  await keep(reportOf('inconclusive'));
  assert.equal(await standing(), 'inconclusive');
  assert.deepEqual(
    told.map(({ reason }) => reason),
    ['ProbeContradicts', 'ProbeConfirms'],
  );
});

test('but it replaces one about an earlier wish', async (t) => {
  const { keep, records, standing } = await setUp(t);
  await keep(reportOf('contradicted'));
  const updatedAt = new Date('2026-11-23T13:00:00Z');
  const later = { ...record, updatedAt };
  await records.put(later);
  await keep(reportOf('inconclusive', { recordUpdatedAt: updatedAt }), later);
  assert.equal(await standing(), 'inconclusive');
});

test('nothing is kept or told of an Ingress that was undone or changed in the meantime', async (t) => {
  const { keep, records, standing, told } = await setUp(t);
  await records.put({ ...record, updatedAt: new Date('2026-11-23T13:00:00Z') });
  await keep(reportOf('contradicted'));
  assert.equal(await standing(), undefined);
  await records.delete(record.namespace, record.name);
  await keep(reportOf('contradicted'));
  assert.equal(await standing(), undefined);
  assert.deepEqual(told, []);
});

const asking = { ...record, revocation: { effective: 'both', wholeHost: true } } as const;
const provenAt = new Date('2026-11-23T12:05:00Z');

test('a proof stands for the record that it is about, while later tries see nothing', async (t) => {
  const { keep, reports, records } = await setUp(t);
  const proven = () => reports.onlineProven(record.namespace, record.name);
  await records.put(asking);
  assert.equal(await proven(), false);
  await keep(reportOf('confirmed', { onlineProvenAt: provenAt }));
  assert.equal(await proven(), true);
  assert.deepEqual((await reports.latest(record.namespace, record.name))?.onlineProvenAt, provenAt);
  await keep(reportOf('inconclusive', { probedAt: new Date(provenAt.getTime() + 3_600_000) }));
  assert.equal(await proven(), true);
  await keep(reportOf('inconclusive', { probedAt: new Date(provenAt.getTime() + 86_400_001) }));
  assert.equal(await proven(), false, 'a day is too long');
});

test('a contradiction, a newer record, or a path that does not ask ends it', async (t) => {
  const { keep, reports, records } = await setUp(t);
  const proven = () => reports.onlineProven(record.namespace, record.name);
  const prove = async () => {
    await records.put(asking);
    await keep(reportOf('confirmed', { onlineProvenAt: provenAt }));
    assert.equal(await proven(), true);
  };
  await prove();
  await keep(reportOf('contradicted'));
  assert.equal(await proven(), false);
  await prove();
  await records.put({ ...asking, updatedAt: new Date(record.updatedAt.getTime() + 1) });
  assert.equal(await proven(), false);
  for (const change of [
    { revocation: { ...asking.revocation, wholeHost: false } },
    { state: 'applying' },
  ] as const) {
    await prove();
    await records.put({ ...asking, ...change });
    assert.equal(await proven(), false);
  }
  await prove();
  await records.delete(record.namespace, record.name);
  assert.equal(await proven(), false);
});
