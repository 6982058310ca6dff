import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { workerInput, workerOutput } from './support/child.ts';
import type { LoadInput, LoadResult, PostedBodies } from './support/load.ts';

/**
 * The load generator, a process of its own: keep-alive connections that each send the next request as soon as the
 * last is answered. Straight on TCP with requests rendered beforehand, since on a machine of few cores whatever it
 * uses is taken from the service.
 */

const headEnd = Buffer.from('\r\n\r\n');

interface Session {
  readonly requests: readonly Buffer[];
  readonly expectedStatus: number;
  readonly reconnect: boolean;
  next: number;
  answered: number;
  /** Milliseconds of each answer within the measured time. */
  latencies: number[];
  measuring: boolean;
  stopping: boolean;
}

async function main(): Promise<void> {
  // The parent is our own program.
  const input = (await workerInput()) as LoadInput;
  const session: Session = {
    requests: 'requestsFile' in input.requests ? decode(input.requests.requestsFile) : render(input.requests),
    expectedStatus: input.expectedStatus,
    reconnect: input.reconnect === true,
    next: input.firstBody,
    answered: 0,
    latencies: [],
    measuring: false,
    stopping: false,
  };
  const lanes = Array.from({ length: input.connections }, () => runLane(input.port, session));
  const all = Promise.all(lanes);
  await Promise.race([all, sleep(input.warmUpSeconds)]);
  session.measuring = true;
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  await Promise.race([all, sleep(input.seconds)]);
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  session.measuring = false;
  session.stopping = true;
  await all;
  workerOutput(summarise(session, seconds, (user + system) / 1e6));
}

function decode(requestsFile: string): Buffer[] {
  const lines = readFileSync(requestsFile, 'latin1').trimEnd().split('\n');
  return lines.map((line) => Buffer.from(line, 'base64'));
}

function render({ path, headers, bodiesFile }: PostedBodies): Buffer[] {
  const head = Object.entries({ host: '127.0.0.1', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return readFileSync(bodiesFile, 'utf8')
    .trimEnd()
    .split('\n')
    .map((body) =>
      Buffer.from(`POST ${path} HTTP/1.1\r\n${head.join('')}content-length: ${body.length}\r\n\r\n${body}`),
    );
}

async function runLane(port: number, session: Session): Promise<void> {
  do await runConnection(port, session);
  while (!session.stopping);
}

/** One connection. Resolves when it has had its last answer; rejects on any answer but the expected one. */
function runConnection(port: number, session: Session): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    // Connecting is part of it where each request has to.
    let sent = performance.now();
    let received = Buffer.alloc(0);
    const send = (): void => {
      if (!session.reconnect) sent = performance.now();
      write(socket, session);
    };
    const answered = (): void => {
      session.answered += 1;
      if (session.measuring) session.latencies.push(performance.now() - sent);
      if (session.stopping || session.reconnect) {
        socket.destroy();
        resolve();
      } else {
        send();
      }
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('The server closed a connection')));
    socket.on('data', (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const length = answerLength(received);
      if (length === undefined || received.length < length) return;
      checkStatus(received, session.expectedStatus);
      received = Buffer.alloc(0);
      answered();
    });
  });
}

function write(socket: Socket, session: Session): void {
  const request = session.requests[session.next % session.requests.length];
  session.next += 1;
  if (request !== undefined) socket.write(request);
}

/** Octets of the whole answer; undefined while its head is not complete. */
function answerLength(received: Buffer): number | undefined {
  const end = received.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = received.toString('latin1', 0, end + 2);
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`An answer has no Content-Length: ${head}`);
  return end + headEnd.length + Number(length);
}

/** Throws, and so ends the run: a benchmark of refusals is none. */
function checkStatus(received: Buffer, expectedStatus: number): void {
  const status = Number(received.toString('latin1', 9, 12));
  if (status === expectedStatus) return;
  throw new Error(`Expected status ${expectedStatus}, got: ${received.toString('utf8', 0, 1_000)}`);
}

function summarise(session: Session, seconds: number, cpuSeconds: number): LoadResult {
  const sorted = Float64Array.from(session.latencies).sort();
  const quantile = (q: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
  return {
    answered: session.answered,
    perSecond: sorted.length / seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
    cpuShare: cpuSeconds / seconds,
  };
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

await main();
