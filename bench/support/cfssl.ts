import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startChild } from './child.ts';
import { type Run, temporaryDirectory } from './run.ts';
import { freePort } from './service.ts';

const execute = promisify(execFile);

/** The usages and validity of our own profile `client`. */
const signing = { signing: { default: { expiry: '8760h', usages: ['digital signature', 'client auth'] } } };

/**
 * `cfssl serve` with a P-256 CA made by openssl and no database, so that it records nothing.
 * @returns its port, or undefined where cfssl or openssl is not installed
 */
export async function startCfssl(run: Run): Promise<number | undefined> {
  if (!(await installed('cfssl', 'version')) || !(await installed('openssl', 'version'))) return undefined;
  const directory = await temporaryDirectory(run);
  const [certificate, key, config] = ['ca.pem', 'ca-key.pem', 'config.json'].map((name) =>
    join(directory, name),
  );
  if (certificate === undefined || key === undefined || config === undefined) return undefined;
  await execute('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-subj', '/CN=cfssl', '-days', '3650', '-keyout', key, '-out', certificate],
  ]);
  await writeFile(config, JSON.stringify(signing));
  const port = await freePort();
  const child = startChild(
    'cfssl',
    [
      ...['serve', '-address=127.0.0.1', `-port=${port}`],
      ...[`-ca=${certificate}`, `-ca-key=${key}`, `-config=${config}`],
    ],
    { cwd: directory, stdio: 'ignore' },
  );
  run.cleanUp.defer(() => child.stop());
  for (let attempt = 0; attempt < 400; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined) return port;
    await sleep(25);
  }
  throw new Error('cfssl serve did not start');
}

async function installed(program: string, argument: string): Promise<boolean> {
  return await execute(program, [argument]).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
}
