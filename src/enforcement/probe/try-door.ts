import type { LookupFunction } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import { Fault, type FaultReason } from '../../fault.ts';
import type { KubernetesApi } from '../../kubernetes/client.ts';
import type { Ingress } from '../../kubernetes/objects.ts';
import type { ControllerAdapter } from '../adapter.ts';
import { asksOnline } from '../revocation.ts';
import type { VerificationRecord } from '../verification-records.ts';
import { reasonsOf } from './findings.ts';
import type { ProbeIdentities } from './identities.ts';
import { type HostAnswers, type JudgedCheck, judgeHost } from './judge.ts';
import { type Knock, type Knocked, knock } from './knock.ts';
import { addressOf, type HostTarget, type ProbeAddress, targetsOf } from './place.ts';
import type { DetailedProbeReport, ProbeAnswer, ProbeVerdict } from './probe-report.ts';
import { readAnswer } from './readings.ts';

/** From the configuration. */
export interface ProbeSettings {
  readonly address?: string;
  readonly httpsPort: number;
  readonly httpPort: number;
  readonly timeoutSeconds: number;
}

export interface DoorParts {
  readonly kubernetes: Pick<KubernetesApi, 'getIngress'>;
  readonly identities: ProbeIdentities;
  readonly adapters: readonly Pick<ControllerAdapter, 'name' | 'refusal'>[];
  readonly clock: Clock;
  readonly settings: ProbeSettings;
}

/** What is tried of an Ingress at most: its other hosts are served by the same controller with the same policy. */
const mostHosts = 30;

/** Characters of a redirect's target that are shown. */
const longestLocation = 512;

/** So long may it take until every replica that is asked knows of a revocation; usually it is half a second. */
const revocationHeardMs = 5_000;
const revocationPauseMs = 500;

/** Hosts tried at the same time; six connections each. */
const hostsAtOnce = 5;

/** Beyond it a certificate of one minute, back-dated by another, may be refused for its time. */
const clockSkewMs = 30_000;

/**
 * Tries every host of the Ingress as it stands in the record: nobody, a certificate of ours, one of an unknown CA and, where
 * the door asks us, a revoked one on the TLS port, and plain HTTP with and without `X-Forwarded-Proto`.
 * @throws Fault `kubernetes-unavailable`, `kubernetes-forbidden`, `database-unavailable`, `key-unavailable`; the reason of
 * `signal` when it aborts
 */
export async function tryDoor(
  parts: DoorParts,
  record: VerificationRecord,
  signal: AbortSignal,
): Promise<DetailedProbeReport> {
  const { namespace, name } = record;
  const about = {
    namespace,
    name,
    probedAt: new Date(parts.clock.now()),
    recordUpdatedAt: record.updatedAt,
  };
  const notTried = (...reasons: FaultReason[]): DetailedProbeReport => {
    return { ...about, verdict: 'inconclusive', hosts: [], reasons };
  };
  const ingress = await parts.kubernetes.getIngress(namespace, name);
  if (ingress === undefined) {
    return notTried({ code: 'ingress-missing', detail: 'The Ingress is gone, and its doors with it.' });
  }
  const address = addressOf(parts.settings.address, ingress);
  if ('code' in address) return notTried(address);
  const targets = targetsOf(record.hosts.slice(0, mostHosts), ingress);
  if (targets.length === 0) return notTried({ code: 'no-host', detail: 'There is no host to try.' });
  try {
    const hosts = await inGroups(targets, (target) =>
      tryHost(parts, { record, ingress, address, signal }, target),
    );
    const reasons = [...reasonsOf(hosts), ...leftOut(record.hosts.length)];
    const proven = record.hosts.length <= mostHosts && hosts.every(provesOnline);
    return {
      ...about,
      verdict: verdictOf(hosts, reasons),
      ...(proven ? { onlineProvenAt: about.probedAt } : {}),
      address: address.host,
      hosts: hosts.map((host) => ({ ...host, checks: host.checks.map(({ check }) => check) })),
      reasons,
    };
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'authority-not-found')) throw error;
    return notTried({
      code: 'authority-missing',
      detail: `There is no authority ${record.authority} any more.`,
    });
  }
}

interface Visit {
  readonly record: VerificationRecord;
  readonly ingress: Ingress;
  readonly address: ProbeAddress;
  readonly signal: AbortSignal;
}

interface TriedHost {
  readonly host: string;
  readonly serverName: string;
  readonly checks: readonly JudgedCheck[];
}

async function tryHost(parts: DoorParts, visit: Visit, target: HostTarget): Promise<TriedHost> {
  const { settings, identities, clock } = parts;
  const { host, serverName, path, pathIsWhole } = target;
  const { ours, unknown } = await identities.of(visit.record.authority);
  const common = {
    address: visit.address.host,
    serverName,
    path,
    timeoutMs: settings.timeoutSeconds * 1000,
    signal: visit.signal,
    ...(visit.address.lookup === undefined ? {} : { lookup: visit.address.lookup }),
  } satisfies Partial<Knock> & { lookup?: LookupFunction };
  const secure = { ...common, port: settings.httpsPort };
  const insecure = { ...common, port: settings.httpPort };
  const [nobody, member, stranger, revoked, plain, forwarded] = await Promise.all([
    knock({ ...secure, tls: {} }),
    knock({ ...secure, tls: { identity: ours } }),
    knock({ ...secure, tls: { identity: unknown } }),
    knockRevoked(parts, visit, secure),
    knock(insecure),
    visit.record.settings.mode === 'on' ? knock({ ...insecure, claimsHttps: true }) : undefined,
  ]);
  const answer = (knocked: Knocked): ProbeAnswer => answerOf(knocked, parts, visit);
  const answers: HostAnswers = {
    'no-certificate': answer(nobody),
    'our-certificate': answer(member),
    'unknown-authority': answer(stranger),
    ...(revoked === undefined ? {} : { 'revoked-certificate': answer(revoked) }),
    'plain-http': answer(plain),
    ...(forwarded === undefined ? {} : { 'plain-http-forwarded': answer(forwarded) }),
  };
  const circumstances = {
    settings: visit.record.settings,
    clockSkewed: isSkewed(member, clock.now()),
    pathIsWhole,
  };
  return { host, serverName, checks: judgeHost(answers, circumstances) };
}

/** Again while it is let in, for the replica that is asked may not have heard of it yet. */
async function knockRevoked(
  parts: DoorParts,
  visit: Visit,
  how: Omit<Knock, 'tls'>,
): Promise<Knocked | undefined> {
  if (!asksOnline(visit.record.revocation.effective)) return undefined;
  const identity = await parts.identities.revoked(visit.record.authority);
  const until = performance.now() + revocationHeardMs;
  for (;;) {
    const knocked = await knock({ ...how, tls: { identity } });
    const letIn = readAnswer(answerOf(knocked, parts, visit)) === 'let-in';
    if (!letIn || performance.now() > until) return knocked;
    await delay(revocationPauseMs, undefined, { signal: visit.signal });
  }
}

function provesOnline({ checks }: TriedHost): boolean {
  return checks.some((check) => check.provesOnline === true);
}

function answerOf(knocked: Knocked, { adapters }: DoorParts, { record, ingress }: Visit): ProbeAnswer {
  if (knocked.kind !== 'http') return knocked;
  const { status, headers, body } = knocked;
  const location = printable(headers.get('location'));
  const seen = { status, ...(location === undefined ? {} : { location }) };
  const adapter = adapters.find(({ name }) => name === record.controller);
  const asksUs = asksOnline(record.revocation.effective);
  const refusal = adapter?.refusal({ ...seen, body }, ingress, asksUs);
  return { kind: 'http', ...seen, ...(refusal === undefined ? {} : { refusal }) };
}

/** It goes into answers, rows and Events, and anybody may stand behind that address. */
function printable(text: string | undefined): string | undefined {
  return text?.replace(/[^\x20-\x7e]/g, '?').slice(0, longestLocation);
}

function isSkewed(knocked: Knocked, now: number): boolean {
  if (knocked.kind !== 'http') return false;
  // NaN where there is no date: then nothing is known, and nothing excused.
  return Math.abs(Date.parse(knocked.headers.get('date') ?? '') - now) > clockSkewMs;
}

function leftOut(count: number): FaultReason[] {
  if (count <= mostHosts) return [];
  const detail = `Of ${count} hosts only the first ${mostHosts} were tried.`;
  return [{ code: 'hosts-left-out', detail }];
}

function verdictOf(hosts: readonly TriedHost[], reasons: readonly FaultReason[]): ProbeVerdict {
  const outcomes = hosts.flatMap(({ checks }) => checks.map(({ check }) => check.outcome));
  if (outcomes.includes('contradicts')) return 'contradicted';
  return reasons.length === 0 ? 'confirmed' : 'inconclusive';
}

/** A few at a time, in order. */
async function inGroups<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += hostsAtOnce) {
    results.push(...(await Promise.all(items.slice(at, at + hostsAtOnce).map(work))));
  }
  return results;
}
