import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { indexOf } from './openssl-crl.ts';

const execute = promisify(execFile);

/** A CA as a shell script keeps it, with `openssl ca` and nothing else. */
export interface ScriptCa {
  /** A client's certificate. @returns the paths of certificate and key */
  issue(name: string): Promise<{ readonly certificate: string; readonly key: string }>;
  /** What such a script does when somebody leaves: `openssl ca -revoke`, `-gencrl`, and the reload. */
  revoke(certificate: string, reloadCommand: string): Promise<void>;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** In this directory, where `ca.crt` and `ca.crl` are from now on, with so many revoked already. */
export async function makeScriptCa(directory: string, revoked: number): Promise<ScriptCa> {
  const openssl = (...options: string[]) => execute('openssl', options, { cwd: directory });
  await writeFile(join(directory, 'ca.cnf'), configuration);
  await writeFile(join(directory, 'index.txt'), indexOf(revoked));
  await writeFile(join(directory, 'crlnumber'), '01\n');
  const subject = ['-subj', '/CN=script', '-days', '30'];
  await openssl('req', '-x509', ...newKey, ...subject, '-keyout', 'ca.key', '-out', 'ca.crt');
  await openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca.crl');
  return {
    async issue(name) {
      await openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', 'csr');
      await openssl('ca', '-config', 'ca.cnf', '-batch', '-notext', '-in', 'csr', '-out', `${name}.crt`);
      return { certificate: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
    },
    async revoke(certificate, reloadCommand) {
      await openssl('ca', '-config', 'ca.cnf', '-revoke', certificate);
      await openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca.crl');
      await execute('sh', ['-c', reloadCommand]);
    },
  };
}

const configuration = `[ca]
default_ca = bench
[bench]
database = index.txt
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
crlnumber = crlnumber
rand_serial = yes
default_md = sha256
default_days = 10
default_crl_days = 7
policy = anything
[anything]
commonName = supplied
`;
