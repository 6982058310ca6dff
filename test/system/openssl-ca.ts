import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestScope } from '../support/database.ts';

/** A CA as scripts have it: `openssl ca` with its index.txt and newcerts. */
export interface OpensslCa {
  readonly directory: string;
  /** Of a file in the directory. */
  path(name: string): string;
  /** @returns the certificate's file */
  issue(name: string): string;
  /** @param reason as `-crl_reason`, or other arguments of `openssl ca -revoke` */
  revoke(name: string, ...reason: readonly string[]): void;
  /** Writes crl.pem. */
  publishCrl(): void;
  run(...args: readonly string[]): string;
}

const configuration = `[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = newcerts
serial = serial
crlnumber = crlnumber
certificate = ca.crt
private_key = ca.key
default_md = sha256
default_days = 90
default_crl_days = 30
policy = anything
unique_subject = no
[anything]
commonName = supplied
[req]
distinguished_name = name
[name]
`;

/** Many scripts begin with the serial zero, which RFC 5280 does not allow and clients take. */
export function createOpensslCa(
  t: TestScope,
  { crlNumber = '1000', serial = '00' }: { readonly crlNumber?: string; readonly serial?: string } = {},
): OpensslCa {
  const directory = mkdtempSync(join(tmpdir(), 'openssl-ca-'));
  t.after(async () => rmSync(directory, { recursive: true }));
  const path = (name: string): string => join(directory, name);
  const run = (...args: readonly string[]): string =>
    execFileSync('openssl', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  mkdirSync(path('newcerts'));
  for (const [name, text] of Object.entries({
    'openssl.cnf': configuration,
    'index.txt': '',
    serial: `${serial}\n`,
    crlnumber: `${crlNumber}\n`,
  }))
    writeFileSync(path(name), text);
  const subject = [
    '-subj',
    '/O=Example/CN=Shell Script CA',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
  ];
  run(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '3650',
    ...subject,
  );
  return {
    directory,
    path,
    run,
    issue(name) {
      const key = [
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        `${name}.key`,
      ];
      run('req', '-new', '-config', 'openssl.cnf', ...key, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
      run('ca', '-config', 'openssl.cnf', '-batch', '-in', `${name}.csr`, '-out', `${name}.crt`);
      return path(`${name}.crt`);
    },
    revoke(name, ...reason) {
      run('ca', '-config', 'openssl.cnf', '-revoke', `${name}.crt`, ...reason);
    },
    publishCrl() {
      run('ca', '-config', 'openssl.cnf', '-gencrl', '-out', 'crl.pem');
    },
  };
}

/** What our CRL says of a certificate, as every relying party with OpenSSL sees it. */
export function verifyAgainst(ca: OpensslCa, crl: Buffer, name: string): string {
  writeFileSync(ca.path('ours.crl'), crl);
  try {
    ca.run('verify', '-crl_check', '-CAfile', 'ca.crt', '-CRLfile', 'ours.crl', `${name}.crt`);
    return 'OK';
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    return /certificate revoked/.test(stderr) ? 'revoked' : stderr;
  }
}

export function crlText(ca: OpensslCa, crl: Buffer): string {
  writeFileSync(ca.path('ours.crl'), crl);
  return ca.run('crl', '-in', 'ours.crl', '-CAfile', 'ca.crt', '-noout', '-text');
}

/** CRLNumber. */
export function crlNumberOf(ca: OpensslCa, crl: Buffer): bigint {
  writeFileSync(ca.path('ours.crl'), crl);
  return BigInt(
    /crlNumber=(0x[0-9A-F]+)/.exec(ca.run('crl', '-in', 'ours.crl', '-noout', '-crlnumber'))?.[1] ?? -1,
  );
}

export const fileOf = (ca: OpensslCa, name: string): Buffer => readFileSync(ca.path(name));
