import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Run, temporaryDirectory } from './run.ts';

const execute = promisify(execFile);

/**
 * What a script with OpenSSL takes for a CRL: `openssl ca -gencrl` over an index.txt of so many revoked certificates, every second
 * one with a reason.
 * @returns milliseconds; undefined where openssl is not installed
 */
export async function opensslCrlMs(run: Run, entries: number): Promise<number | undefined> {
  const directory = await temporaryDirectory(run);
  const openssl = (...options: string[]) => execute('openssl', options, { cwd: directory });
  await writeFile(join(directory, 'ca.cnf'), configuration);
  await writeFile(join(directory, 'crlnumber'), '01\n');
  await writeFile(join(directory, 'index.txt'), indexOf(entries));
  try {
    await openssl(
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        '/CN=bench',
      ],
      ...['-days', '3650', '-keyout', 'ca.key', '-out', 'ca.pem'],
    );
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const began = performance.now();
  await openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca.crl');
  return performance.now() - began;
}

const configuration = `[ca]
default_ca = bench
[bench]
database = index.txt
crlnumber = crlnumber
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_crl_days = 7
`;

/** An index.txt of so many revoked certificates: state, expiry, revocation with its reason, serial, file, subject. */
export function indexOf(entries: number): string {
  const lines = Array.from({ length: entries }, (_, index) => {
    const serial = randomBytes(16);
    serial[0] = 1;
    const revoked = `261101000000Z${index % 2 === 0 ? ',superseded' : ''}`;
    return `R\t271101000000Z\t${revoked}\t${serial.toString('hex').toUpperCase()}\tunknown\t/CN=client-${index}\n`;
  });
  return lines.join('');
}
