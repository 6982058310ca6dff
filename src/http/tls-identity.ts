import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError } from '../config/config-error.ts';
import { decodePem } from '../encoding/pem.ts';

/** The settings that name the two files. */
export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** A certificate and its key, fit to serve with. */
export interface TlsIdentity {
  /** PEM, the chain behind the certificate. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** Of the certificate itself. */
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * Mozilla's "intermediate": TLS 1.2 with forward secrecy and an AEAD, and TLS 1.3. Node's own default also has RSA key
 * exchange and CBC.
 */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** What Node is given to serve TLS as this one. */
export function secureContextOf({ certificate, key }: TlsIdentity): SecureContextOptions {
  return { cert: certificate, key, ciphers, minVersion: 'TLSv1.2' };
}

/**
 * Reads both files and checks that they can be used together. An expired certificate is let pass: whoever is to renew
 * it may need this service.
 * @throws ConfigError one line with the setting at fault; nothing of the key is in it
 */
export async function readTlsIdentity(files: TlsFiles): Promise<TlsIdentity> {
  const [certificate, key] = await Promise.all([
    readText('TLS_CERTIFICATE_FILE', files.certificateFile),
    readText('TLS_KEY_FILE', files.keyFile),
  ]);
  const leaf = readChain(files.certificateFile, certificate);
  if (!leaf.checkPrivateKey(readKey(files.keyFile, key))) {
    throw new ConfigError(
      'TLS_KEY_FILE',
      `${files.keyFile} is not the key of the certificate in ${files.certificateFile}`,
    );
  }
  const identity = { certificate, key, notBefore: leaf.validFromDate, notAfter: leaf.validToDate };
  try {
    createSecureContext(secureContextOf(identity));
  } catch (error) {
    // Such as "ee key too small": what OpenSSL's security level refuses.
    throw new ConfigError('TLS_CERTIFICATE_FILE', `${files.certificateFile}: ${firstLine(error)}`);
  }
  return identity;
}

/** The first certificate, which is the server's own; those behind it must be certificates, too. */
function readChain(file: string, pem: string): X509Certificate {
  try {
    const [leaf] = decodePem(pem, 'CERTIFICATE').map(({ der }) => new X509Certificate(der));
    if (leaf !== undefined) return leaf;
  } catch (error) {
    throw new ConfigError('TLS_CERTIFICATE_FILE', `${file} holds no certificates: ${firstLine(error)}`);
  }
  throw new ConfigError('TLS_CERTIFICATE_FILE', `${file} holds no certificate in PEM`);
}

function readKey(file: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new ConfigError('TLS_KEY_FILE', `${file} holds no private key in PEM, or an encrypted one`);
  }
}

async function readText(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new ConfigError(setting, `${file} cannot be read${reason}`);
  }
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unreadable';
}
