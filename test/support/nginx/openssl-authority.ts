import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface OpensslLeaf {
  readonly cert: string;
  readonly key: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** A CA that only `openssl` has made: independent of our own code. */
export interface OpensslAuthority {
  readonly caCrt: string;
  /** @param subject as `openssl req -subj` takes it; @param names DNS names make it a server certificate */
  issue(subject: string, names?: readonly string[]): Promise<OpensslLeaf>;
  revoke(leaf: OpensslLeaf): Promise<void>;
  /** A CRL of what is revoked by now, PEM. */
  crl(): Promise<string>;
  remove(): Promise<void>;
}

const run = promisify(execFile);

export async function createOpensslAuthority(subject: string): Promise<OpensslAuthority> {
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-openssl-'));
  const file = (name: string) => join(directory, name);
  const openssl = (...options: string[]) => run('openssl', options, { cwd: directory });
  await writeFile(file('ca.cnf'), configuration(directory));
  await writeFile(file('index.txt'), '');
  await writeFile(file('crlnumber'), '01\n');
  await openssl(
    'req',
    '-x509',
    '-config',
    'ca.cnf',
    '-extensions',
    'authority',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '30',
    '-subj',
    subject,
  );
  let issued = 0;
  return {
    caCrt: await readFile(file('ca.crt'), 'utf8'),
    async issue(leafSubject, names = []) {
      issued += 1;
      const [key, csr, cert, extensions] = ['key', 'csr', 'crt', 'ext'].map((kind) =>
        file(`leaf-${issued}.${kind}`),
      );
      if (key === undefined || csr === undefined || cert === undefined || extensions === undefined)
        throw new Error();
      const usage = names.length === 0 ? 'clientAuth' : 'serverAuth';
      const san = names.map((name) => `DNS:${name}`).join(',');
      await writeFile(
        extensions,
        `extendedKeyUsage=${usage}\n${san === '' ? '' : `subjectAltName=${san}\n`}`,
      );
      await openssl(
        'req',
        '-new',
        '-utf8',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        key,
        '-out',
        csr,
        '-subj',
        leafSubject,
      );
      await openssl(
        'ca',
        '-config',
        'ca.cnf',
        '-batch',
        '-notext',
        '-in',
        csr,
        '-out',
        cert,
        '-extfile',
        extensions,
      );
      return {
        cert: await readFile(cert, 'utf8'),
        key: await readFile(key, 'utf8'),
        certificateFile: cert,
        keyFile: key,
      };
    },
    async revoke(leaf) {
      await openssl('ca', '-config', 'ca.cnf', '-revoke', leaf.certificateFile);
    },
    async crl() {
      await openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca.crl');
      return readFile(file('ca.crl'), 'utf8');
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

function configuration(directory: string): string {
  return `[ca]
default_ca = this
[this]
dir = ${directory}
database = $dir/index.txt
new_certs_dir = $dir
certificate = $dir/ca.crt
private_key = $dir/ca.key
crlnumber = $dir/crlnumber
rand_serial = yes
serial = $dir/serial
default_md = sha256
default_days = 10
default_crl_days = 5
policy = anything
unique_subject = no
# openssl puts subjects into this order
[anything]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
[req]
distinguished_name = dn
[dn]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
`;
}
