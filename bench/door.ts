import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startDatabase } from './support/database.ts';
import { type DoorKind, type Doors, hasDoors, makeDoors } from './support/doors.ts';
import { median, type Report, type Row } from './support/report.ts';
import { fillRevocations } from './support/revocations.ts';
import { type Run, temporaryDirectory } from './support/run.ts';
import { makeScriptCa, type ScriptCa } from './support/script-ca.ts';
import { freePort, type RunningService, startService } from './support/service.ts';

const execute = promisify(execFile);

/** So many others are on each CRL: what a Secret holds. */
const otherEntries = 15_000;
/** More than CRL_COALESCE: nothing is waiting for company. */
const restMs = 2_500;

interface Client {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  revoke(): Promise<void>;
}

interface Way {
  readonly what: string;
  readonly door: DoorKind;
  newClient(): Promise<Client>;
  /** Just before the revocation. */
  before?(): Promise<unknown>;
  readonly keepsConnection?: boolean;
}

/**
 * From the moment in which a revocation is sent until a real nginx refuses the client that it let in before, asked again and again.
 * Beside it what a shell script takes that keeps a CA with `openssl ca`.
 */
export async function refusalAtTheDoor(run: Run): Promise<Report> {
  const columns: Report['columns'] = [
    { key: 'what', heading: 'nginx learns of it by' },
    { key: 'answered', heading: 'answered ms' },
    { key: 'refused', heading: 'refused ms' },
    { key: 'worst', heading: 'worst ms' },
    { key: 'ratio', heading: 'of the script', decimals: 2 },
  ];
  const title = '(f) From a revocation to the refusal at a real nginx';
  if (!(await hasDoors())) {
    const notes = ['nginx or openssl is not installed: nothing to measure.'];
    return { title, columns, rows: [], aims: [], notes };
  }
  const rounds = run.quick ? 3 : 15;
  const ways = await waysOf(run);
  const measured: { way: Way; rounds: Measured[] }[] = [];
  for (const way of ways.list) {
    run.progress(way.what);
    const results: Measured[] = [];
    for (let round = 0; round < rounds; round++) results.push(await measure(way, ways));
    measured.push({ way, rounds: results });
  }
  const script = median(measured.at(-1)?.rounds.map(({ refusedMs }) => refusedMs) ?? []);
  return {
    title,
    columns,
    rows: measured.map(({ way, rounds: results }) => rowOf(way, results, script)),
    aims: [
      {
        text: 'less than 5 s on every way',
        met: measured.every(({ rounds: results }) => results.every(({ refusedMs }) => refusedMs < 5_000)),
      },
    ],
    notes: [
      `Medians of ${rounds}, and the worst of them; ${otherEntries.toLocaleString('en-US')} others are on the CRLs, ours and the script's. The client comes in`,
      'until then with a full handshake for each request, but where its connection stays open. nginx reloads by PUBLICATION_COMMAND.',
    ],
  };
}

function rowOf({ what }: Way, results: readonly Measured[], script: number): Row {
  const refused = median(results.map(({ refusedMs }) => refusedMs));
  return {
    what,
    answered: median(results.map(({ answeredMs }) => answeredMs)),
    refused,
    worst: Math.max(...results.map(({ refusedMs }) => refusedMs)),
    ratio: refused / script,
  };
}

interface Ways {
  readonly doors: Doors;
  /** PEM of the doors' own certificate. */
  readonly serverCertificate: string;
  readonly list: readonly Way[];
}

async function waysOf(run: Run): Promise<Ways> {
  run.progress('starting the service and nginx');
  const directory = await temporaryDirectory(run);
  const dataDirectory = await temporaryDirectory(run);
  const script = join(directory, 'script');
  await mkdir(script);
  const scriptCa = await makeScriptCa(script, otherEntries);
  const port = await freePort();
  const [serverCertificate, serverKey] = [join(directory, 'server.crt'), join(directory, 'server.key')];
  await execute('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    ...['-keyout', serverKey, '-out', serverCertificate],
  ]);
  const files = { serverCertificate, serverKey, published: join(dataDirectory, 'published'), script };
  const doors = await makeDoors(directory, files, `http://127.0.0.1:${port}`);
  const service = await startWithCallers(run, { directory, dataDirectory, port, doors });
  await doors.start();
  run.cleanUp.defer(() => doors.stop());
  return {
    doors,
    serverCertificate: await readFile(serverCertificate, 'utf8'),
    list: listOf({ directory, service, scriptCa, doors }),
  };
}

async function startWithCallers(
  run: Run,
  at: { directory: string; dataDirectory: string; port: number; doors: Doors },
): Promise<RunningService> {
  const callers = join(at.directory, 'callers.yaml');
  await writeFile(callers, 'callers: {nginx: {header: ssl-client-cert, networks: [127.0.0.1]}}');
  const { url } = await startDatabase(run);
  const { dataDirectory, port } = at;
  const env = { VERIFY_CALLERS_FILE: callers, PUBLICATION_COMMAND: at.doors.reloadCommand };
  const service = await startService({ dataDirectory, port, databaseUrl: url, env }, run.cleanUp);
  await fillRevocations(url, 'internal-ca', otherEntries);
  return service;
}

function listOf(o: {
  directory: string;
  service: RunningService;
  scriptCa: ScriptCa;
  doors: Doors;
}): readonly Way[] {
  const { service, scriptCa, doors } = o;
  const ours = (reason: string) => () => enrol(service, o.directory, reason);
  const other = async () => await (await ours('superseded')()).revoke();
  const usual = ours('superseded');
  let number = 0;
  return [
    { what: 'CRL, keyCompromise', door: 'crl', newClient: ours('keyCompromise') },
    { what: 'CRL, superseded', door: 'crl', newClient: usual },
    { what: 'CRL, superseded, just after another', door: 'crl', newClient: usual, before: other },
    { what: 'asking /v1/verify', door: 'verify', newClient: usual },
    { what: 'asking, connection open', door: 'verify', newClient: usual, keepsConnection: true },
    { what: 'OCSP (ssl_ocsp)', door: 'ocsp', newClient: usual },
    {
      what: 'script: openssl ca, reload',
      door: 'script',
      newClient: async () => {
        number += 1;
        const { certificate, key } = await scriptCa.issue(`client-${number}`);
        return {
          cert: await readFile(certificate, 'utf8'),
          key: await readFile(key, 'utf8'),
          revoke: () => scriptCa.revoke(certificate, doors.reloadCommand),
        };
      },
    },
  ];
}

async function enrol(service: RunningService, directory: string, reason: string): Promise<Client> {
  const keyFile = join(directory, 'client.key');
  const { stdout: csr } = await execute('openssl', [
    ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=client'],
    ...['-keyout', keyFile],
  ]);
  const issued = await post(service, '/v1/certificates', { csr });
  return {
    cert: issued.certificate ?? '',
    key: await readFile(keyFile, 'utf8'),
    async revoke() {
      await post(service, `/v1/certificates/${issued.serial}/revoke`, { reason });
    },
  };
}

async function post(
  { url, adminToken }: RunningService,
  path: string,
  body: object,
): Promise<Record<string, string>> {
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await answer.text());
  // Our own answer.
  return (await answer.json()) as Record<string, string>;
}

interface Measured {
  readonly answeredMs: number;
  readonly refusedMs: number;
}

async function measure(way: Way, { doors, serverCertificate }: Ways): Promise<Measured> {
  await sleep(restMs);
  const { cert, key, revoke } = await way.newClient();
  // Nothing is resumed: a session from before would not be looked at again where a CRL decides.
  const tls = { ca: serverCertificate, cert, key, servername: 'localhost', maxCachedSessions: 0 };
  const agent = new Agent({ ...tls, keepAlive: way.keepsConnection === true });
  const enter = () => knock(doors.ports[way.door], agent);
  const first = await enter();
  if (first !== 200) throw new Error(`${way.what}: a good client gets ${first}`);
  await way.before?.();
  const began = performance.now();
  let answeredMs = Number.NaN;
  const revoking = revoke().then(() => {
    answeredMs = performance.now() - began;
  });
  let refusedMs = Number.NaN;
  while (Number.isNaN(refusedMs)) {
    const status = await enter();
    if (status !== 200) refusedMs = performance.now() - began;
    else await sleep(2);
  }
  await revoking;
  agent.destroy();
  return { answeredMs, refusedMs };
}

function knock(port: number, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, agent, headers: { host: 'localhost' } }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    asked.on('error', reject);
    asked.end();
  });
}
