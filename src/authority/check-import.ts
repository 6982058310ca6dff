import { type KeyObject, X509Certificate } from 'node:crypto';
import { samePublicKey } from '../keys/private-key.ts';
import type { Certificate } from '../x509/certificate.ts';
import { checkPublicKey, type KeyPolicy } from '../x509/key-policy.ts';
import { sameName } from '../x509/name.ts';
import { X509Error } from '../x509/x509-error.ts';
import { AuthorityError } from './authority-error.ts';

const caKeyPolicy: KeyPolicy = {
  rsa: { minBits: 2048, maxBits: 8192 },
  ec: ['P-256', 'P-384', 'P-521'],
  ed25519: true,
};

/**
 * Checks that a certificate and a key can be our CA: they belong together, the certificate is a self-signed CA
 * that may sign certificates and CRLs, it is valid now, and its key is strong.
 * @throws AuthorityError with one line that names what is wrong
 */
export function checkCaPair(certificate: Certificate, privateKey: KeyObject, now: number): void {
  const fail = (why: string): never => {
    throw new AuthorityError(`the CA certificate cannot be used: ${why}`);
  };
  if (!samePublicKey(publicKeyOf(certificate, fail), privateKey))
    fail('it does not belong to the private key');
  // RFC 5280 4.2.1.9: without CA:TRUE no verifier accepts what it signs.
  if (certificate.basicConstraints?.ca !== true) fail('it is no CA (basicConstraints CA:TRUE is missing)');
  // RFC 5280 4.2.1.3: when keyUsage is there, both bits are needed; OpenSSL refuses CRLs without cRLSign.
  for (const usage of ['keyCertSign', 'cRLSign'] as const) {
    if (certificate.keyUsage?.includes(usage) === false) fail(`its keyUsage lacks ${usage}`);
  }
  if (!sameName(certificate.issuer, certificate.subject) || !isSelfSigned(certificate)) {
    fail('it is not self-signed, and the CRLs of the CAs above it cannot be kept current; import the root');
  }
  if (certificate.subject.rdns.length === 0) fail('its subject is empty (RFC 5280 4.1.2.6)');
  if (now >= certificate.notAfter.getTime()) fail('it has expired');
  if (now < certificate.notBefore.getTime()) fail('it is not valid yet');
  checkStrength(certificate, fail);
}

function publicKeyOf(certificate: Certificate, fail: (why: string) => never): KeyObject {
  try {
    return certificate.publicKey.keyObject;
  } catch (error) {
    if (error instanceof X509Error) fail(error.message);
    throw error;
  }
}

function checkStrength(certificate: Certificate, fail: (why: string) => never): void {
  try {
    checkPublicKey(certificate.publicKey, caKeyPolicy);
  } catch (error) {
    if (error instanceof X509Error) fail(error.message);
    throw error;
  }
}

function isSelfSigned(certificate: Certificate): boolean {
  return new X509Certificate(certificate.der).verify(certificate.publicKey.keyObject);
}
