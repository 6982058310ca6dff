import { readFile } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { AuthorityError } from './authority-error.ts';
import type { ImportedCa } from './open-authority.ts';

/**
 * The CA to import, when the configuration names one.
 * @throws AuthorityError naming the setting whose file cannot be read
 */
export async function readImport(authority: Config['authority']): Promise<ImportedCa | undefined> {
  const { importCertificateFile, importKeyFile, importPassphraseFile } = authority;
  if (importCertificateFile === undefined || importKeyFile === undefined) return undefined;
  return {
    certificatePem: await readOperatorFile(importCertificateFile, 'CA_IMPORT_CERTIFICATE_FILE'),
    keyPem: await readOperatorFile(importKeyFile, 'CA_IMPORT_KEY_FILE'),
    ...(importPassphraseFile === undefined
      ? {}
      : { passphrase: await readPassphrase(importPassphraseFile, 'CA_IMPORT_PASSPHRASE_FILE') }),
  };
}

/**
 * A passphrase from its file. An editor's final line break is not part of the passphrase, as with
 * `openssl -passin file:`.
 * @throws AuthorityError
 */
export async function readPassphrase(path: string, setting: string): Promise<string> {
  const passphrase = (await readOperatorFile(path, setting)).replace(/\r?\n$/, '');
  if (passphrase === '') throw new AuthorityError(`${setting} ${path} is empty`);
  return passphrase;
}

async function readOperatorFile(path: string, setting: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AuthorityError(`${setting} ${path} cannot be read`, { cause });
  }
}
