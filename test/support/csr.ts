import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Crypto } from '@peculiar/webcrypto';
import {
  type Attribute,
  ChallengePasswordAttribute,
  cryptoProvider,
  type Extension,
  type JsonGeneralNames,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509';

const webCrypto = new Crypto();
cryptoProvider.set(webCrypto);

export type CsrKeyType = 'ec-p256' | 'ec-p384' | 'ec-p521' | 'rsa-2048' | 'rsa-3072' | 'ed25519';

export interface CsrOptions {
  /** As @peculiar/x509 reads names. Default `CN=client-1`. */
  readonly subject?: string;
  readonly sans?: JsonGeneralNames;
  readonly extensions?: readonly Extension[];
  readonly attributes?: readonly Attribute[];
  readonly challengePassword?: string;
  readonly keyType?: CsrKeyType;
  readonly privateKey?: KeyObject;
}

/** A CSR with a fresh key, made by another implementation than ours. */
export async function makeCsr(
  options: CsrOptions = {},
): Promise<{ pem: string; der: Buffer; privateKey: KeyObject }> {
  const privateKey = options.privateKey ?? newKey(options.keyType ?? 'ec-p256');
  const algorithm = algorithmOf(privateKey);
  const keys = {
    privateKey: await webCrypto.subtle.importKey(
      'pkcs8',
      privateKey.export({ type: 'pkcs8', format: 'der' }),
      algorithm,
      true,
      ['sign'],
    ),
    publicKey: await webCrypto.subtle.importKey('spki', spkiOf(privateKey), algorithm, true, ['verify']),
  };
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: options.subject ?? 'CN=client-1',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      ...(options.sans === undefined ? [] : [new SubjectAlternativeNameExtension(options.sans)]),
      ...(options.extensions ?? []),
    ],
    attributes: [
      ...(options.attributes ?? []),
      ...(options.challengePassword === undefined
        ? []
        : [new ChallengePasswordAttribute(options.challengePassword)]),
    ],
  });
  return { pem: request.toString('pem'), der: Buffer.from(request.rawData), privateKey };
}

function newKey(type: CsrKeyType): KeyObject {
  if (type === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  if (type.startsWith('rsa-')) {
    return generateKeyPairSync('rsa', { modulusLength: Number(type.slice(4)) }).privateKey;
  }
  return generateKeyPairSync('ec', { namedCurve: type.replace('ec-p', 'P-') }).privateKey;
}

function spkiOf(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
}

function algorithmOf(key: KeyObject): { name: string; namedCurve?: string; hash?: string } {
  if (key.asymmetricKeyType === 'ed25519') return { name: 'EdDSA', namedCurve: 'Ed25519' };
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const curves: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };
  return {
    name: 'ECDSA',
    namedCurve: curves[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? 'P-256',
    hash: 'SHA-256',
  };
}
