import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { encodePem } from '../../src/encoding/pem.ts';
import { assembleSigned } from '../../src/x509/certificate-template.ts';
import { type Name, parseName } from '../../src/x509/name.ts';
import {
  readSubjectPublicKeyInfo,
  type SubjectPublicKeyInfo,
  subjectKeyIdentifier,
} from '../../src/x509/public-key.ts';
import { type SignatureAlgorithm, signatureAlgorithmFor } from '../../src/x509/signature-algorithm.ts';
import { type CaCertificateInput, encodeCaCertificate } from './ca-certificate.ts';

/** A CA for tests, made with our own encoder. */
export interface TestCa {
  readonly name: Name;
  readonly keyId: Buffer;
  readonly publicKey: SubjectPublicKeyInfo;
  readonly algorithm: SignatureAlgorithm;
  readonly der: Buffer;
  readonly pem: string;
  sign(tbs: Buffer): Buffer;
  signed(tbs: Buffer): Buffer;
}

export const day = 86_400_000;

/** Self-signed, or signed by `issuer`; valid from yesterday for ten years. */
export function makeCa(
  subject: string,
  keys: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  options: Partial<CaCertificateInput> & { by?: TestCa } = {},
): TestCa {
  const name = parseName(subject);
  const publicKey = readSubjectPublicKeyInfo(keys.publicKey.export({ type: 'spki', format: 'der' }));
  const algorithm = signatureAlgorithmFor(keys.publicKey);
  const signTbs = (tbs: Buffer): Buffer => sign(algorithm.digest, tbs, keys.privateKey);
  const { by, ...given } = options;
  const now = Date.now();
  const tbs = encodeCaCertificate({
    serial: Buffer.from('5a'.repeat(16), 'hex'),
    subject: name.der,
    notBefore: new Date(now - day),
    notAfter: new Date(now + 3650 * day),
    publicKey,
    signatureAlgorithm: (by?.algorithm ?? algorithm).der,
    ...(by && { issuer: { name: by.name.der, keyId: by.keyId } }),
    ...given,
  });
  const der = by ? by.signed(tbs) : assembleSigned(tbs, algorithm.der, signTbs(tbs));
  return {
    name,
    keyId: subjectKeyIdentifier(publicKey),
    publicKey,
    algorithm,
    der,
    pem: encodePem('CERTIFICATE', der),
    sign: signTbs,
    signed: (bytes) => assembleSigned(bytes, algorithm.der, signTbs(bytes)),
  };
}
