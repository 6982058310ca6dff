import { webcrypto } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { TestScope } from './database.ts';

export interface ServerIdentity {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface IdentityOptions {
  readonly notAfter?: Date;
  readonly algorithm?: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams;
}

const day = 86_400_000;
export const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A self-signed certificate for localhost and 127.0.0.1, which is its own trust anchor, with this commonName. */
export async function serverIdentity(
  commonName: string,
  { notAfter = new Date(Date.now() + 90 * day), algorithm = p256 }: IdentityOptions = {},
): Promise<ServerIdentity> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${commonName}`,
      notBefore: new Date(Date.now() - 2 * day),
      notAfter,
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
      ],
    },
    webcrypto,
  );
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    certificatePem: certificate.toString('pem'),
    keyPem: x509.PemConverter.encode(key, 'PRIVATE KEY'),
  };
}

/** A directory as the kubelet mounts a Secret: `tls.crt` -> `..data/tls.crt`, and `..data` -> a directory of each version. */
export interface MountedSecret {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Both files change in one step, as the kubelet does it. */
  swap(identity: Partial<ServerIdentity>): Promise<void>;
}

export async function mountTlsSecret(t: TestScope, identity: ServerIdentity): Promise<MountedSecret> {
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-tls-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  let version = 0;
  let current: ServerIdentity = identity;

  async function swap(next: Partial<ServerIdentity>): Promise<void> {
    current = { ...current, ...next };
    version += 1;
    const name = `..version_${version}`;
    await mkdir(join(directory, name));
    await writeFile(join(directory, name, 'tls.crt'), current.certificatePem);
    await writeFile(join(directory, name, 'tls.key'), current.keyPem, { mode: 0o600 });
    await symlink(name, join(directory, '..data_tmp'));
    await rename(join(directory, '..data_tmp'), join(directory, '..data'));
  }

  await swap(identity);
  for (const file of ['tls.crt', 'tls.key']) await symlink(join('..data', file), join(directory, file));
  return { certificateFile: join(directory, 'tls.crt'), keyFile: join(directory, 'tls.key'), swap };
}
