import { type KeyObject, randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { decodePem, PemError } from '../encoding/pem.ts';
import type { KeyStore } from '../keys/key-store.ts';
import {
  generatePrivateKey,
  type KeyType,
  PrivateKeyError,
  readPrivateKey,
  samePublicKey,
  writePrivateKey,
} from '../keys/private-key.ts';
import { createSoftwareSigner } from '../keys/signer.ts';
import type { AuthorityStore } from '../store/authorities.ts';
import type { Database } from '../store/database.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { type Name, parseName } from '../x509/name.ts';
import { serialFromRandom } from '../x509/serial.ts';
import { X509Error } from '../x509/x509-error.ts';
import type { Authority } from './authority.ts';
import { AuthorityError } from './authority-error.ts';
import { checkCaPair } from './check-import.ts';

/** A CA brought along: PEM as files hold it. */
export interface ImportedCa {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly passphrase?: string;
}

export interface OpenAuthorityOptions {
  readonly name: string;
  /** For a new CA. */
  readonly subject: string;
  readonly keyType: KeyType;
  readonly validitySeconds: number;
  readonly backdateSeconds: number;
  readonly imported?: ImportedCa;
  /** Encrypts the kept key. */
  readonly keyPassphrase?: string;
}

export interface OpenAuthorityParts {
  readonly database: Pick<Database, 'withAdvisoryLock'>;
  readonly authorities: AuthorityStore;
  readonly keys: KeyStore;
  readonly clock: Clock;
}

/**
 * Loads the authority, or at the very first start imports or creates it. Under a lock of the database, so that
 * several processes starting at once end with one CA. The key is kept before the row: a crash in between leaves a
 * key without a CA, which the next start takes up again, never a CA without a key.
 * @throws AuthorityError
 */
export async function openAuthority(
  parts: OpenAuthorityParts,
  options: OpenAuthorityOptions,
): Promise<Authority> {
  try {
    return await parts.database.withAdvisoryLock('authority', async () => {
      const known = await parts.authorities.find(options.name);
      return known === undefined
        ? await found(parts, options)
        : await load(parts, options, known.certificate);
    });
  } catch (error) {
    if (error instanceof PrivateKeyError)
      throw new AuthorityError(`the key of ${options.name}: ${error.message}`);
    throw error;
  }
}

async function load(
  parts: OpenAuthorityParts,
  options: OpenAuthorityOptions,
  der: Buffer,
): Promise<Authority> {
  const certificate = readCertificate(der);
  if (options.imported !== undefined && !readPemCertificate(options.imported).der.equals(der)) {
    throw new AuthorityError(
      `CA_IMPORT_CERTIFICATE_FILE is not the certificate of ${options.name} in the database; a CA is imported at the first start only`,
    );
  }
  const pem = await parts.keys.load(options.name);
  if (pem === undefined) {
    throw new AuthorityError(
      `the database holds the authority ${options.name}, but its private key is not in ${parts.keys.location}; restore it from the backup`,
    );
  }
  const privateKey = readPrivateKey(pem, options.keyPassphrase);
  if (!samePublicKey(privateKey, certificate.publicKey.keyObject)) {
    throw new AuthorityError(
      `the private key in ${parts.keys.location} does not belong to the authority ${options.name} in the database`,
    );
  }
  return toAuthority(options.name, certificate, privateKey);
}

/** The first start: a CA comes into being. */
async function found(parts: OpenAuthorityParts, options: OpenAuthorityOptions): Promise<Authority> {
  const imported = options.imported;
  // Before a key is kept for it.
  if (imported === undefined) readSubject(options);
  const offered =
    imported === undefined
      ? await generatePrivateKey(options.keyType)
      : readPrivateKey(imported.keyPem, imported.passphrase);
  if (imported !== undefined) checkCaPair(readPemCertificate(imported), offered, parts.clock.now());
  const kept = await parts.keys.createIfAbsent(options.name, writePrivateKey(offered, options.keyPassphrase));
  const privateKey = readPrivateKey(kept, options.keyPassphrase);
  if (imported !== undefined && !samePublicKey(privateKey, offered)) {
    throw new AuthorityError(
      `${parts.keys.location} holds another key than the one to import; move it away first`,
    );
  }
  const certificate =
    imported === undefined
      ? await selfSigned(options, privateKey, parts.clock.now())
      : readPemCertificate(imported);
  await parts.authorities.insertIfAbsent({
    name: options.name,
    certificate: certificate.der,
    chain: [],
    keyReference: parts.keys.location,
    state: 'active',
    createdAt: new Date(parts.clock.now()),
  });
  return toAuthority(options.name, certificate, privateKey);
}

async function selfSigned(
  options: OpenAuthorityOptions,
  privateKey: KeyObject,
  now: number,
): Promise<Certificate> {
  // Loaded only here: the library costs a tenth of a second, and a CA is made once.
  const { createSelfSignedCertificate } = await import('./self-signed.ts');
  const start = Math.floor(now / 1000) * 1000;
  const der = await createSelfSignedCertificate({
    subject: readSubject(options),
    privateKey,
    serial: serialFromRandom(randomBytes(16)),
    notBefore: new Date(start - options.backdateSeconds * 1000),
    notAfter: new Date(start + options.validitySeconds * 1000),
  });
  return readCertificate(der);
}

function readSubject({ subject }: OpenAuthorityOptions): Name {
  return readSetting('CA_SUBJECT', () => parseName(subject));
}

function readPemCertificate(imported: ImportedCa): Certificate {
  return readSetting('CA_IMPORT_CERTIFICATE_FILE', () => {
    const [block, second] = decodePem(imported.certificatePem, 'CERTIFICATE');
    if (block === undefined)
      throw new AuthorityError('CA_IMPORT_CERTIFICATE_FILE holds no CERTIFICATE in PEM');
    if (second !== undefined) {
      throw new AuthorityError(
        'CA_IMPORT_CERTIFICATE_FILE holds more than one certificate; only a self-signed CA is taken',
      );
    }
    return readCertificate(block.der);
  });
}

/** What the parsers say of a setting is for whoever set it. */
function readSetting<T>(setting: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof X509Error || error instanceof PemError)
      throw new AuthorityError(`${setting}: ${error.message}`, { cause: error });
    throw error;
  }
}

function toAuthority(name: string, certificate: Certificate, privateKey: KeyObject): Authority {
  return { name, certificate, chain: [], signer: createSoftwareSigner(privateKey) };
}
