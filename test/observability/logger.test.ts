import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { createLogger, type Logger } from '../../src/observability/logger.ts';

function logTo(lines: string[], level = 'trace'): Logger {
  return createLogger({ level, destination: { write: (line) => lines.push(line) } });
}

const secret = 'hunter2-hunter2-hunter2';

test('a line is JSON with a time in UTC', () => {
  const lines: string[] = [];
  logTo(lines).info({ serial: '0a' }, 'issued');
  const line: unknown = JSON.parse(lines[0] ?? '');
  assert.ok(typeof line === 'object' && line !== null && 'time' in line);
  assert.match(String(line.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual({ ...line, time: '' }, { level: 30, time: '', serial: '0a', msg: 'issued' });
});

test('the level holds back what is below it', () => {
  const lines: string[] = [];
  const log = logTo(lines, 'warn');
  log.info('no');
  log.warn('yes');
  assert.equal(lines.length, 1);
});

const pem = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`;
const csr = `-----BEGIN CERTIFICATE REQUEST-----\n${secret}\n-----END CERTIFICATE REQUEST-----`;
const held: readonly (readonly [string, object, string])[] = [
  ['a header', { req: { headers: { authorization: `Bearer ${secret}` } } }, 'request'],
  ['a header of another scheme', { headers: { authorization: secret } }, 'request'],
  ['a token by name', { token: secret }, 'made'],
  ['a key by name', { authority: { key: secret } }, 'loaded'],
  ['a CSR by name', { body: { csr: secret } }, 'asked'],
  ['a PEM by name', { pem: secret }, 'asked'],
  ['a passphrase by name', { passphrase: secret }, 'asked'],
  ['a key by shape', {}, `could not read ${pem}`],
  ['a CSR by shape, under any name', { deep: { er: { est: { it: csr } } } }, 'asked'],
  ['a key that is cut off', {}, `-----BEGIN EC PRIVATE KEY-----\n${secret}`],
  ['a token by shape', {}, `got ica_0123abcd_${secret}`],
  ['a bearer token by shape', {}, `sent Bearer ${secret}`],
  ['a database URL by name', { databaseUrl: secret }, 'connecting'],
  ['a database URL by shape', {}, `connecting to postgresql://ca:${secret}@db:5432/ca`],
  ['the message of an error', { err: new Error(`bad ${pem}`) }, 'failed'],
];
for (const [what, object, message] of held) {
  test(`never logged: ${what}`, () => {
    const lines: string[] = [];
    logTo(lines).error(object, message);
    assert.equal(lines.length, 1);
    assert.doesNotMatch(lines[0] ?? '', /hunter2/);
    assert.match(lines[0] ?? '', /redacted/);
    assert.doesNotThrow(() => JSON.parse(lines[0] ?? ''));
  });
}

test('what follows a secret is still logged', () => {
  const lines: string[] = [];
  logTo(lines).info({ serial: '0a' }, `${pem} and ${csr} are held back, this is not`);
  assert.match(lines[0] ?? '', /"serial":"0a"/);
  assert.match(lines[0] ?? '', /are held back, this is not"/);
});

test('an error is logged with its code and cause, without what else it carries', () => {
  const lines: string[] = [];
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', body: secret });
  const fault = new Fault('database-unavailable', 'the database is away', { cause });
  logTo(lines).error({ err: fault }, 'failed');
  const line: { err?: { code?: string; message?: string; cause?: object } } = JSON.parse(lines[0] ?? '');
  assert.equal(line.err?.code, 'database-unavailable');
  assert.equal(line.err?.message, 'the database is away');
  assert.ok(line.err?.cause !== undefined && 'code' in line.err.cause);
  assert.equal(line.err.cause.code, 'ECONNREFUSED');
  assert.doesNotMatch(lines[0] ?? '', /hunter2/);
});

test('a thrown value that is no Error is named as such', () => {
  const lines: string[] = [];
  logTo(lines).error({ err: { body: secret } }, 'failed');
  assert.match(lines[0] ?? '', /"err":"not an Error"/);
});
