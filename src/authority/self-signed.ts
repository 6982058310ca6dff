import 'reflect-metadata';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { Crypto } from '@peculiar/webcrypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name as PeculiarName,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Name } from '../x509/name.ts';

export interface SelfSignedInput {
  readonly subject: Name;
  readonly privateKey: KeyObject;
  /** 16 octets, positive. */
  readonly serial: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const webCrypto = new Crypto();
cryptoProvider.set(webCrypto);

/**
 * Makes a self-signed CA certificate: basicConstraints CA:TRUE and keyUsage keyCertSign, cRLSign, both critical
 * (RFC 5280 4.2.1.9 and 4.2.1.3), and the key identifiers. There is no pathLenConstraint, so that this root can
 * later cross-sign its successor. Done once in a CA's life, so the library does it.
 * @returns the certificate's DER
 */
export async function createSelfSignedCertificate(input: SelfSignedInput): Promise<Buffer> {
  const algorithm = webCryptoAlgorithm(input.privateKey);
  const pkcs8 = input.privateKey.export({ type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(input.privateKey).export({ type: 'spki', format: 'der' });
  const signingKey = await webCrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
  const publicKey = await webCrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']);
  const name = new PeculiarName(input.subject.der);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: input.serial.toString('hex'),
    subject: name,
    issuer: name,
    notBefore: input.notBefore,
    notAfter: input.notAfter,
    publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(publicKey),
    ],
  });
  return Buffer.from(certificate.rawData);
}

interface WebCryptoAlgorithm {
  readonly name: string;
  readonly namedCurve?: string;
  readonly hash?: string;
}

function webCryptoAlgorithm(key: KeyObject): WebCryptoAlgorithm {
  switch (key.asymmetricKeyType) {
    case 'ec': {
      const p384 = key.asymmetricKeyDetails?.namedCurve === 'secp384r1';
      return p384
        ? { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }
        : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    }
    case 'rsa':
      return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    default:
      return { name: 'EdDSA', namedCurve: 'Ed25519' };
  }
}
