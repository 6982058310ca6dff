import { type ChildProcess, execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startChild } from './child.ts';
import { type Run, temporaryDirectory } from './run.ts';
import { freePort } from './service.ts';

const execute = promisify(execFile);

export interface OpensslResponder {
  readonly port: number;
  /** DER of the CA's certificate. */
  readonly ca: Buffer;
}

/**
 * `openssl ocsp -port` with a delegated P-256 responder and an index.txt of these serials, all of them valid.
 * @param serials lower-case hex
 * @returns undefined where openssl is not installed
 */
export async function startOpensslResponder(
  run: Run,
  serials: readonly string[],
): Promise<OpensslResponder | undefined> {
  const found = await execute('openssl', ['version']).then(
    () => true,
    () => false,
  );
  if (!found) return undefined;
  const directory = await temporaryDirectory(run);
  const openssl = (...options: string[]) => execute('openssl', options, { cwd: directory });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-subj',
    '/CN=CA',
    '-days',
    '3650',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  await openssl('req', ...newKey, '-subj', '/CN=OCSP', '-keyout', 'ocsp.key', '-out', 'ocsp.csr');
  await writeFile(join(directory, 'ext'), 'extendedKeyUsage = OCSPSigning\nnoCheck = yes\n');
  await openssl(
    ...['x509', '-req', '-in', 'ocsp.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-days', '30', '-extfile', 'ext', '-out', 'ocsp.pem'],
  );
  const lines = serials.map(
    (serial) => `V\t361231235959Z\t\t${serial.toUpperCase()}\tunknown\t/CN=${serial}`,
  );
  await writeFile(join(directory, 'index.txt'), `${lines.join('\n')}\n`);
  const port = await freePort();
  const child = startChild(
    'openssl',
    [
      ...['ocsp', '-port', String(port), '-index', 'index.txt', '-CA', 'ca.pem'],
      ...['-rsigner', 'ocsp.pem', '-rkey', 'ocsp.key', '-nmin', '60', '-ignore_err'],
    ],
    { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  run.cleanUp.defer(() => child.stop());
  await untilListening(child.process);
  const { stdout } = await promisify(execFile)('openssl', ['x509', '-in', 'ca.pem', '-outform', 'DER'], {
    cwd: directory,
    encoding: 'buffer',
  });
  return { port, ca: stdout };
}

/** It says so; a connection that asks for nothing would be a malformed request to it. */
function untilListening({ stderr }: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    stderr?.on('data', (chunk) => {
      said += String(chunk);
      if (said.includes('waiting for OCSP client connections')) resolve();
    });
    stderr?.on('end', () => reject(new Error(`openssl ocsp did not start: ${said}`)));
  });
}
