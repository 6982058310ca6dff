import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  tlv,
  unsignedInteger,
} from '../src/encoding/der-writer.ts';
import { contextConstructed } from '../src/encoding/tag.ts';
import { readCertificate } from '../src/x509/certificate.ts';
import { encodeExtension } from '../src/x509/extensions.ts';
import { ocspNonceOid } from '../src/x509/ocsp-request.ts';
import { csrPem, makeCsrs } from './support/csrs.ts';
import { type LoadResult, runLoad } from './support/load.ts';
import { startOpensslResponder } from './support/openssl-responder.ts';
import { median, type Report, type Row } from './support/report.ts';
import { type Run, temporaryDirectory } from './support/run.ts';
import { cpuSeconds, type RunningService, startService } from './support/service.ts';

const connections = 8;
const aimedPerSecond = 5_000;

interface Round {
  readonly ours: LoadResult;
  readonly cpuMicroseconds: number;
  readonly theirs?: LoadResult;
}

/**
 * OCSP answers per second of the real service process, one in ten about a revoked certificate: signed ahead, and with a nonce,
 * so that each is signed when it is asked for. Beside it `openssl ocsp -port`, which signs each one and ends the connection
 * after it, under the same load with the same serials.
 */
export async function ocspAnswers(run: Run): Promise<Report> {
  const rounds = run.quick ? 1 : 3;
  const seconds = run.quick ? 2 : 5;
  run.progress('starting the service');
  const service = await startService({ dataDirectory: await temporaryDirectory(run) }, run.cleanUp);
  run.progress('issuing certificates');
  const serials = await issueSome(service, run.quick ? 200 : 1_000);
  const issuer = Buffer.from(await (await fetch(`${service.url}/ca/internal-ca.crt`)).arrayBuffer());
  const openssl = await startOpensslResponder(run, serials);
  const rows: Row[] = [];
  const kinds = [
    { what: 'signed ahead, kept open', nonce: false, reconnect: false },
    { what: 'signed ahead, one connection each', nonce: false, reconnect: true },
    { what: 'with a nonce, kept open', nonce: true, reconnect: false },
    { what: 'with a nonce, one connection each', nonce: true, reconnect: true },
  ];
  for (const { what, nonce, reconnect } of kinds) {
    const ours = await writeRequests(run, '/ocsp/internal-ca', issuer, serials, nonce);
    const theirs = openssl && (await writeRequests(run, '/', openssl.ca, serials, nonce));
    const results: Round[] = [];
    for (let round = 1; round <= rounds; round++) {
      run.progress(`${what}, round ${round} of ${rounds}`);
      const load = { connections, seconds, warmUpSeconds: 1, firstBody: 0, reconnect, expectedStatus: 200 };
      const before = await cpuSeconds(service);
      const one = await runLoad(
        { ...load, port: service.port, requests: { requestsFile: ours } },
        run.cleanUp,
      );
      const cpuMicroseconds = (((await cpuSeconds(service)) - before) / one.answered) * 1e6;
      const other =
        openssl && theirs && reconnect
          ? await runLoad({ ...load, port: openssl.port, requests: { requestsFile: theirs } }, run.cleanUp)
          : undefined;
      results.push({ ours: one, cpuMicroseconds, ...(other && { theirs: other }) });
    }
    rows.push(rowOf(what, results));
  }
  return report(rows, { rounds, seconds, openssl: openssl !== undefined });
}

/** Through the API, and every tenth one revoked. */
async function issueSome(service: RunningService, count: number): Promise<string[]> {
  const post = async (path: string, body: object): Promise<unknown> => {
    const answer = await fetch(service.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${service.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return await answer.json();
  };
  const serials: string[] = [];
  for (const csr of makeCsrs(count)) {
    // Our own answer.
    const { serial } = (await post('/v1/certificates', { csr: csrPem(csr) })) as { serial: string };
    serials.push(serial);
    if (serials.length % 10 === 0) await post(`/v1/certificates/${serial}/revoke`, { reason: 'superseded' });
  }
  return serials;
}

/** As they go over the wire. */
async function writeRequests(
  run: Run,
  path: string,
  issuer: Buffer,
  serials: readonly string[],
  nonce: boolean,
): Promise<string> {
  const file = join(await temporaryDirectory(run), 'requests');
  const requestFor = requestWriter(issuer);
  const lines = serials.map((serial) => {
    const body = requestFor(serial, nonce ? randomBytes(32) : undefined);
    const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/ocsp-request\r\n`;
    const whole = [Buffer.from(`${head}content-length: ${body.length}\r\n\r\n`), body];
    return Buffer.concat(whole).toString('base64');
  });
  await writeFile(file, lines.join('\n'));
  return file;
}

/** OCSPRequest with a SHA-1 CertID, which is what clients send. */
function requestWriter(issuer: Buffer): (serial: string, nonce?: Buffer) => Buffer {
  const { subject, publicKey } = readCertificate(issuer);
  const sha1 = (content: Buffer): Buffer => octetString(createHash('sha1').update(content).digest());
  const algorithm = sequence(objectIdentifier('1.3.14.3.2.26'), nullValue());
  const start = [algorithm, sha1(subject.der), sha1(publicKey.subjectPublicKey)];
  return (serial, nonce) => {
    const certId = sequence(...start, unsignedInteger(Buffer.from(serial, 'hex')));
    const extensions =
      nonce === undefined
        ? []
        : [tlv(contextConstructed(2), sequence(encodeExtension(ocspNonceOid, false, octetString(nonce))))];
    return sequence(sequence(sequence(sequence(certId)), ...extensions));
  };
}

function rowOf(what: string, results: readonly Round[]): Row {
  const theirs = results.flatMap(({ theirs: one }) => one ?? []);
  const ofTheirs = (figure: (one: LoadResult) => number): number | undefined =>
    theirs.length === 0 ? undefined : median(theirs.map(figure));
  return {
    what,
    perSecond: median(results.map(({ ours }) => ours.perSecond)),
    p50: median(results.map(({ ours }) => ours.p50)),
    p99: median(results.map(({ ours }) => ours.p99)),
    cpuMicroseconds: median(results.map(({ cpuMicroseconds }) => cpuMicroseconds)),
    opensslPerSecond: ofTheirs(({ perSecond }) => perSecond),
    opensslP50: ofTheirs(({ p50 }) => p50),
    opensslP99: ofTheirs(({ p99 }) => p99),
  };
}

function report(rows: readonly Row[], about: { rounds: number; seconds: number; openssl: boolean }): Report {
  const perSecond = Number(rows[0]?.perSecond ?? 0);
  return {
    title: `OCSP answers over HTTP, ${connections} at a time (median of ${about.rounds} rounds of ${about.seconds} s)`,
    columns: [
      { key: 'what', heading: 'answers' },
      { key: 'perSecond', heading: 'per second' },
      { key: 'p50', heading: 'p50 ms', decimals: 2 },
      { key: 'p99', heading: 'p99 ms', decimals: 2 },
      { key: 'cpuMicroseconds', heading: 'CPU µs' },
      { key: 'opensslPerSecond', heading: 'openssl ocsp' },
      { key: 'opensslP50', heading: 'p50 ms', decimals: 2 },
      { key: 'opensslP99', heading: 'p99 ms', decimals: 2 },
    ],
    rows,
    aims: [
      {
        text: `${aimedPerSecond.toLocaleString('en-US')} answers per second that were signed ahead`,
        met: perSecond >= aimedPerSecond,
      },
    ],
    notes: [
      'CPU µs is that of the service process, its log included; the load generator runs on the same machine.',
      about.openssl
        ? 'openssl ocsp -port signs every answer, and keeps no connection open.'
        : 'openssl is not installed: nothing to compare with.',
    ],
  };
}
