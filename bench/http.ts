import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { clusterUser } from '../src/store/postgres-cluster.ts';
import { addressUrl } from '../src/store/postgres-settings.ts';
import { startCfssl } from './support/cfssl.ts';
import { csrPem, makeCsrs } from './support/csrs.ts';
import { type LoadInput, type LoadResult, type PostedBodies, runLoad } from './support/load.ts';
import { median, type Report, type Row } from './support/report.ts';
import { type Run, temporaryDirectory } from './support/run.ts';
import { cpuSeconds, type RunningService, startService } from './support/service.ts';

const connectionCounts = [1, 8, 32];
const aimedPerSecond = 2_500;

interface Measurement extends LoadResult {
  /** CPU of the service for a certificate, in microseconds. */
  readonly cpuMicroseconds?: number;
}

/**
 * Certificates per second through the real service process: HTTP, a bearer token, JSON, and a row committed to the
 * embedded PostgreSQL (fsync on) before each answer. Beside it `cfssl serve`, which records nothing, under the same
 * load with the same CSRs. Each round measures both, so that what else the machine does hits both.
 */
export async function certificatesOverHttp(run: Run): Promise<Report> {
  const rounds = run.quick ? 1 : 3;
  const seconds = run.quick ? 2 : 5;
  run.progress('making CSRs');
  const bodies = await writeBodies(run, run.quick ? 2_000 : 10_000);
  run.progress('starting the service');
  const service = await startService({ dataDirectory: await temporaryDirectory(run) }, run.cleanUp);
  const cfssl = await startCfssl(run);
  const rows: Row[] = [];
  run.progress('warming up');
  const warmUp = { connections: 32, seconds: run.quick ? 1 : 4, warmUpSeconds: 0, firstBody: 0 };
  const { answered } = await loadService(service, { ...warmUp, bodiesFile: bodies.ours }, run.cleanUp);
  const sum = { answered };
  let first = answered;
  for (const connections of connectionCounts) {
    const ours: Measurement[] = [];
    const theirs: Measurement[] = [];
    for (let round = 1; round <= rounds; round++) {
      run.progress(`${connections} connections, round ${round} of ${rounds}`);
      const load = { connections, seconds, warmUpSeconds: 1, firstBody: first };
      ours.push(await loadService(service, { ...load, bodiesFile: bodies.ours }, run.cleanUp));
      if (cfssl !== undefined) {
        theirs.push(await loadCfssl(cfssl, { ...load, bodiesFile: bodies.cfssl }, run.cleanUp));
      }
      first += ours.at(-1)?.answered ?? 0;
    }
    for (const { answered } of ours) sum.answered += answered;
    rows.push(rowOf(connections, ours, theirs));
  }
  return report(rows, {
    durability: await checkRecords(service, sum.answered),
    cfssl: cfssl !== undefined,
    rounds,
    seconds,
  });
}

type Load = Pick<LoadInput, 'connections' | 'seconds' | 'warmUpSeconds' | 'firstBody'> &
  Pick<PostedBodies, 'bodiesFile'>;

async function loadService(
  service: RunningService,
  { bodiesFile, ...load }: Load,
  cleanUp: AsyncDisposableStack,
): Promise<Measurement> {
  const before = await cpuSeconds(service);
  const result = await runLoad(
    {
      ...load,
      port: service.port,
      requests: {
        bodiesFile,
        path: '/v1/certificates',
        headers: { authorization: `Bearer ${service.adminToken}`, 'content-type': 'application/json' },
      },
      expectedStatus: 201,
    },
    cleanUp,
  );
  const used = (await cpuSeconds(service)) - before;
  return { ...result, cpuMicroseconds: (used / result.answered) * 1e6 };
}

function loadCfssl(
  port: number,
  { bodiesFile, ...load }: Load,
  cleanUp: AsyncDisposableStack,
): Promise<LoadResult> {
  return runLoad(
    {
      ...load,
      port,
      requests: {
        bodiesFile,
        path: '/api/v1/cfssl/sign',
        headers: { 'content-type': 'application/json' },
      },
      expectedStatus: 200,
    },
    cleanUp,
  );
}

/** The same CSRs in the form that each of the two takes. */
async function writeBodies(run: Run, count: number): Promise<{ ours: string; cfssl: string }> {
  const directory = await temporaryDirectory(run);
  const pems = makeCsrs(count).map(csrPem);
  const write = async (name: string, member: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, pems.map((pem) => JSON.stringify({ [member]: pem })).join('\n'));
    return path;
  };
  return { ours: await write('ours', 'csr'), cfssl: await write('cfssl', 'certificate_request') };
}

function rowOf(connections: number, ours: readonly Measurement[], theirs: readonly Measurement[]): Row {
  const ratios = ours.map((one, round) => one.perSecond / (theirs[round]?.perSecond ?? Number.NaN));
  const middle = (all: readonly Measurement[], figure: (one: Measurement) => number): number | undefined =>
    all.length === 0 ? undefined : median(all.map(figure));
  return {
    connections,
    perSecond: middle(ours, (one) => one.perSecond),
    p50: middle(ours, (one) => one.p50),
    p99: middle(ours, (one) => one.p99),
    cpuMicroseconds: middle(ours, (one) => one.cpuMicroseconds ?? Number.NaN),
    loadCpuShare: middle(ours, (one) => one.cpuShare),
    cfsslPerSecond: middle(theirs, (one) => one.perSecond),
    cfsslP50: middle(theirs, (one) => one.p50),
    cfsslP99: middle(theirs, (one) => one.p99),
    ratio: theirs.length === 0 ? undefined : median(ratios),
  };
}

/** Looks into the database, past the service: that every answer had its row, and what a commit there means. */
async function checkRecords(service: RunningService, answered: number): Promise<string> {
  const directory = join(service.dataDirectory, 'postgres');
  const password = (await readFile(join(directory, 'password'), 'utf8')).trim();
  const client = new pg.Client({
    connectionString: addressUrl({ kind: 'socket', directory }, clusterUser, password),
  });
  await client.connect();
  const { rows } = await client.query<{ count: number; fsync: string; commit: string }>(
    `select count(*)::int as count, current_setting('fsync') as fsync,
       current_setting('synchronous_commit') as commit from certificates`,
  );
  await client.end();
  const [found = { count: 0, fsync: '?', commit: '?' }] = rows;
  return `Certificates answered: ${answered}; rows in the database: ${found.count}; fsync ${found.fsync}, synchronous_commit ${found.commit}.`;
}

interface Circumstances {
  readonly durability: string;
  readonly cfssl: boolean;
  readonly rounds: number;
  readonly seconds: number;
}

function report(rows: readonly Row[], { durability, cfssl, rounds, seconds }: Circumstances): Report {
  const busiest = rows.at(-1);
  const perSecond = Number(busiest?.perSecond);
  const ratio = busiest?.ratio;
  return {
    title: '(b) Certificates per second over HTTP, recorded durably; cfssl serve records nothing',
    columns: [
      { key: 'connections', heading: 'connections' },
      { key: 'perSecond', heading: 'certs/s' },
      { key: 'p50', heading: 'p50 ms', decimals: 1 },
      { key: 'p99', heading: 'p99 ms', decimals: 1 },
      { key: 'cpuMicroseconds', heading: 'service µs CPU' },
      { key: 'loadCpuShare', heading: 'load CPUs', decimals: 2 },
      { key: 'cfsslPerSecond', heading: 'cfssl certs/s' },
      { key: 'cfsslP50', heading: 'p50 ms', decimals: 1 },
      { key: 'cfsslP99', heading: 'p99 ms', decimals: 1 },
      { key: 'ratio', heading: 'times cfssl', decimals: 2 },
    ],
    rows,
    aims: [
      { text: `at least ${aimedPerSecond}/s at 32 connections`, met: perSecond >= aimedPerSecond },
      ...(typeof ratio === 'number' ? [{ text: 'more than cfssl at 32 connections', met: ratio > 1 }] : []),
    ],
    notes: [
      durability,
      `Medians of ${rounds} rounds of ${seconds} s each, load generator and database on the same processors.`,
      ...(cfssl
        ? []
        : ['cfssl (Debian: golang-cfssl) or openssl is not installed: nothing to compare with.']),
    ],
  };
}
