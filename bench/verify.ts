import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { clusterUser } from '../src/store/postgres-cluster.ts';
import { addressUrl } from '../src/store/postgres-settings.ts';
import { createVerifyUrlFor } from '../src/verification/verify-url.ts';
import { startChild } from './support/child.ts';
import { csrPem, makeCsrs } from './support/csrs.ts';
import { type LoadResult, runLoad } from './support/load.ts';
import { median, type Report, type Row } from './support/report.ts';
import { type Run, temporaryDirectory } from './support/run.ts';
import { cpuSeconds, freePort, type RunningService, startService } from './support/service.ts';

const connectionCounts = [1, 8, 32];
const aimedPerSecond = 8_000;
const bareServer = fileURLToPath(new URL('./bare-server.ts', import.meta.url));

/**
 * Questions about clients that the real service process answers, as ingress-nginx asks them, each about another of many
 * certificates in turn. Beside it a Fastify that answers the same requests with nothing at all.
 */
export async function liveVerification(run: Run): Promise<Report> {
  const rounds = run.quick ? 1 : 3;
  const seconds = run.quick ? 2 : 5;
  run.progress('starting the service');
  const service = await startService({ dataDirectory: await temporaryDirectory(run) }, run.cleanUp);
  const barePort = await startBareServer(run);
  run.progress('issuing certificates');
  const certificates = await issueAll(service, run.quick ? 200 : 2_000);
  const path = await enforceIngress(service);
  const requestsFile = join(await temporaryDirectory(run), 'requests');
  await writeFile(
    requestsFile,
    certificates.map((pem) => requestOf(path, pem).toString('base64')).join('\n'),
  );
  const load = (port: number, connections: number, measured: number): Promise<LoadResult> =>
    runLoad(
      {
        port,
        requests: { requestsFile },
        firstBody: 0,
        expectedStatus: 200,
        connections,
        warmUpSeconds: 1,
        seconds: measured,
      },
      run.cleanUp,
    );
  const rows: Row[] = [];
  for (const connections of connectionCounts) {
    const ours: (LoadResult & { cpuMicroseconds: number })[] = [];
    const bare: LoadResult[] = [];
    for (let round = 1; round <= rounds; round++) {
      run.progress(`${connections} connections, round ${round} of ${rounds}`);
      const before = await cpuSeconds(service);
      const result = await load(service.port, connections, seconds);
      const used = (await cpuSeconds(service)) - before;
      ours.push({ ...result, cpuMicroseconds: (used / result.answered) * 1e6 });
      bare.push(await load(barePort, connections, seconds));
    }
    rows.push({
      connections,
      perSecond: median(ours.map((one) => one.perSecond)),
      p50: median(ours.map((one) => one.p50)),
      p99: median(ours.map((one) => one.p99)),
      cpuMicroseconds: median(ours.map((one) => one.cpuMicroseconds)),
      loadCpuShare: median(ours.map((one) => one.cpuShare)),
      barePerSecond: median(bare.map((one) => one.perSecond)),
      bareP99: median(bare.map((one) => one.p99)),
      ratio: median(ours.map((one, round) => one.perSecond / (bare[round]?.perSecond ?? Number.NaN))),
    });
  }
  return report(rows, { certificates: certificates.length, rounds, seconds });
}

async function startBareServer(run: Run): Promise<number> {
  const port = await freePort();
  const child = startChild(process.execPath, [bareServer, String(port)], { stdio: 'inherit' });
  run.cleanUp.defer(() => child.stop());
  for (let attempt = 0; attempt < 400; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/verify`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined) return port;
    await sleep(25);
  }
  throw new Error('The bare server did not start');
}

async function issueAll({ url, adminToken }: RunningService, count: number): Promise<string[]> {
  const certificates: string[] = [];
  for (const csr of makeCsrs(count)) {
    const answer = await fetch(`${url}/v1/certificates`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ csr: csrPem(csr) }),
    });
    const { certificate } = (await answer.json()) as { certificate: string };
    certificates.push(certificate);
  }
  return certificates;
}

/** Records an enforced Ingress, which needs a cluster otherwise. @returns the path that its controller asks for */
async function enforceIngress({ dataDirectory }: RunningService): Promise<string> {
  const directory = join(dataDirectory, 'postgres');
  const password = (await readFile(join(directory, 'password'), 'utf8')).trim();
  const client = new pg.Client({
    connectionString: addressUrl({ kind: 'socket', directory }, clusterUser, password),
  });
  await client.connect();
  await client.query(
    `insert into client_verifications (namespace, name, uid, controller, authority, spec, before, written,
       trouble, origin, created_at, updated_at, requester)
     values ('shop', 'web', $1, 'ingress-nginx', 'internal-ca', '{"settings":{"mode":"on","revocation":"online"}}',
       '{}', '{}', '[]', 'api', now(), now(), 'bench')`,
    [randomUUID()],
  );
  const { rows } = await client.query<{ key: Buffer }>(
    "select key from service_keys where name = 'verify-ingress'",
  );
  await client.end();
  const [row] = rows;
  if (row === undefined) throw new Error('The service has no key for Ingresses');
  return createVerifyUrlFor('', row.key)('shop', 'web');
}

/** The headers of ingress-nginx's own template, and those of a browser that it passes on. */
function requestOf(path: string, pem: string): Buffer {
  const headers = {
    host: 'internal-ca.pki.svc',
    'x-request-id': randomUUID().replaceAll('-', ''),
    'x-original-url': 'https://shop.example/orders/4711?page=2',
    'x-original-method': 'GET',
    'x-sent-from': 'nginx-ingress-controller',
    'x-real-ip': '192.0.2.10',
    'x-forwarded-for': '192.0.2.10',
    'x-auth-request-redirect': '/orders/4711?page=2',
    'ssl-client-cert': encodeURIComponent(pem),
    'ssl-client-verify': 'SUCCESS',
    'ssl-client-subject-dn': 'CN=device-1,O=Example',
    'ssl-client-issuer-dn': 'CN=internal-ca',
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'accept-encoding': 'gzip, deflate, br, zstd',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
}

function report(
  rows: readonly Row[],
  { certificates, rounds, seconds }: { certificates: number; rounds: number; seconds: number },
): Report {
  const perSecond = Number(rows.at(-1)?.perSecond);
  return {
    title:
      '(e) Live verification per second, one process, from memory; a bare Fastify under the same requests',
    columns: [
      { key: 'connections', heading: 'connections' },
      { key: 'perSecond', heading: 'answers/s' },
      { key: 'p50', heading: 'p50 ms', decimals: 2 },
      { key: 'p99', heading: 'p99 ms', decimals: 2 },
      { key: 'cpuMicroseconds', heading: 'service µs CPU' },
      { key: 'loadCpuShare', heading: 'load CPUs', decimals: 2 },
      { key: 'barePerSecond', heading: 'bare Fastify/s' },
      { key: 'bareP99', heading: 'p99 ms', decimals: 2 },
      { key: 'ratio', heading: 'of bare', decimals: 2 },
    ],
    rows,
    aims: [{ text: `at least ${aimedPerSecond}/s at 32 connections`, met: perSecond >= aimedPerSecond }],
    notes: [
      `${certificates} certificates in turn, each checked as of now. Medians of ${rounds} rounds of ${seconds} s each; the load generator is on the same processors.`,
    ],
  };
}
