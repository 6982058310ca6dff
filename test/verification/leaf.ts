import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { sequence, tlv, unsignedInteger } from '../../src/encoding/der-writer.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import { contextConstructed } from '../../src/encoding/tag.ts';
import type { IssuingAuthority } from '../../src/verification/client-certificate.ts';
import {
  basicConstraintsExtension,
  extendedKeyUsageExtension,
  keyUsageExtension,
  subjectAltNameExtension,
} from '../../src/x509/extensions.ts';
import { encodeGeneralNames, generalName } from '../../src/x509/general-name.ts';
import { parseName } from '../../src/x509/name.ts';
import { assembleSigned } from '../../src/x509/signed.ts';
import { encodeTime } from '../../src/x509/time.ts';
import type { makeAuthority } from '../support/authority.ts';

export const clientAuth = '1.3.6.1.5.5.7.3.2';
export const serverAuth = '1.3.6.1.5.5.7.3.1';

export type SigningAuthority = Awaited<ReturnType<typeof makeAuthority>> & IssuingAuthority;

export interface LeafOptions {
  readonly subject?: string;
  /** `dns:a.example`, `uri:…`, `email:…` */
  readonly names?: readonly string[];
  readonly serial?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Whole extensions, instead of those of a client's certificate. */
  readonly extensions?: readonly Buffer[];
  readonly key?: KeyObject;
}

export interface Leaf {
  readonly der: Buffer;
  readonly pem: string;
  readonly serial: string;
  readonly privateKey: KeyObject;
}

/** The extensions of a client's certificate. */
export const clientExtensions: readonly Buffer[] = [
  basicConstraintsExtension({ ca: false }),
  keyUsageExtension(['digitalSignature']),
  extendedKeyUsageExtension([clientAuth]),
];

/** A certificate as odd as the options make it, valid for a day from `now`. */
export async function makeLeaf(
  authority: SigningAuthority,
  now: number,
  options: LeafOptions = {},
): Promise<Leaf> {
  const privateKey = options.key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const serial = options.serial ?? `1${randomBytes(16).toString('hex').slice(1)}`;
  const { signer, certificate } = authority;
  const extensions = [...(options.extensions ?? clientExtensions), ...alternativeNames(options.names ?? [])];
  const tbs = sequence(
    Buffer.from('a003020102', 'hex'),
    unsignedInteger(Buffer.from(serial, 'hex')),
    signer.algorithm.der,
    certificate.subject.der,
    sequence(
      encodeTime(options.notBefore ?? new Date(now - 60_000)),
      encodeTime(options.notAfter ?? new Date(now + 86_400_000)),
    ),
    options.subject === '' ? sequence() : parseName(options.subject ?? 'CN=alice,O=Example').der,
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [tlv(contextConstructed(3), sequence(...extensions))]),
  );
  const der = assembleSigned(tbs, signer.algorithm.der, await signer.sign(tbs));
  return { der, pem: encodePem('CERTIFICATE', der), serial, privateKey };
}

function alternativeNames(names: readonly string[]): Buffer[] {
  if (names.length === 0) return [];
  const general = names.map((name) => {
    const [kind = '', value = ''] = [name.slice(0, name.indexOf(':')), name.slice(name.indexOf(':') + 1)];
    if (kind !== 'dns' && kind !== 'uri' && kind !== 'email') throw new Error(`no such kind: ${kind}`);
    return generalName(kind, value);
  });
  return [subjectAltNameExtension(encodeGeneralNames(general), false)];
}

/** As nginx writes `$ssl_client_escaped_cert`. */
export function escapedPem(pem: string): string {
  return encodeURIComponent(pem);
}
