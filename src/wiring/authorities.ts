import { join } from 'node:path';
import { type AuthorityRegistry, createAuthorityRegistry } from '../authority/authority.ts';
import { AuthorityError } from '../authority/authority-error.ts';
import { openAuthority } from '../authority/open-authority.ts';
import { readImport, readPassphrase } from '../authority/operator-files.ts';
import { createFileKeyStore } from '../keys/file-key-store.ts';
import { createSecretKeyStore } from '../keys/secret-key-store.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import { createAuthorityStore } from '../store/authorities.ts';
import type { Database } from '../store/database.ts';
import type { ServiceInput } from './service-input.ts';

export async function openAuthorities(
  { config, clock, log }: ServiceInput,
  database: Database,
  kubernetes: KubernetesApi | undefined,
): Promise<AuthorityRegistry> {
  const { name, subject, keyType, validitySeconds, keyStore, keySecretName, keyPassphraseFile } =
    config.authority;
  if (keyStore === 'secret' && kubernetes === undefined) {
    throw new AuthorityError('CA_KEY_STORE=secret needs Kubernetes, which is off');
  }
  const imported = await readImport(config.authority);
  const authority = await openAuthority(
    {
      database,
      authorities: createAuthorityStore(database),
      keys:
        keyStore === 'secret' && kubernetes !== undefined
          ? createSecretKeyStore(kubernetes, keySecretName)
          : createFileKeyStore(join(config.dataDirectory, 'keys')),
      clock,
    },
    {
      name,
      subject,
      keyType,
      validitySeconds,
      backdateSeconds: config.crl.backdateSeconds,
      ...(imported === undefined ? {} : { imported }),
      ...(keyPassphraseFile === undefined
        ? {}
        : { keyPassphrase: await readPassphrase(keyPassphraseFile, 'CA_KEY_PASSPHRASE_FILE') }),
    },
  );
  if (authority.certificate.keyUsage === undefined) {
    // OpenSSL's own `req -x509` makes such CAs, and its `verify -x509_strict` refuses them (error 92).
    log.warn(
      { authority: name },
      'the CA certificate has no keyUsage; strict verifiers refuse what it signs',
    );
  }
  return createAuthorityRegistry([authority]);
}
