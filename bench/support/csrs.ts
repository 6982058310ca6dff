import { generateKeyPairSync, sign } from 'node:crypto';
import { bitString, integer, objectIdentifier, sequence, tlv } from '../../src/encoding/der-writer.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import { contextConstructed, tag } from '../../src/encoding/tag.ts';
import { subjectAltNameExtension } from '../../src/x509/extensions.ts';
import { generalName } from '../../src/x509/general-name.ts';
import { parseName } from '../../src/x509/name.ts';

const extensionRequest = '1.2.840.113549.1.9.14';
const ecdsaWithSha256 = Buffer.from('300a06082a8648ce3d040302', 'hex');

export interface SampleCsr {
  readonly der: Buffer;
  /** What `crypto.verify` needs, for the floor. */
  readonly tbs: Buffer;
  readonly spki: Buffer;
  readonly signature: Buffer;
}

/** A CSR of the usual kind: a P-256 key of its own, CN and O, one DNS name. Every one is different. */
export function makeCsr(number: number): SampleCsr {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const names = sequence(generalName('dns', `device-${number}.clients.example.com`).der);
  const extensions = sequence(subjectAltNameExtension(names, false));
  const attribute = sequence(objectIdentifier(extensionRequest), tlv(tag.set, extensions));
  const tbs = sequence(
    integer(0),
    parseName(`CN=device-${number},O=Example`).der,
    spki,
    tlv(contextConstructed(0), attribute),
  );
  const signature = sign('sha256', tbs, privateKey);
  return { der: sequence(tbs, ecdsaWithSha256, bitString(signature)), tbs, spki, signature };
}

export function makeCsrs(count: number): SampleCsr[] {
  return Array.from({ length: count }, (_, index) => makeCsr(index));
}

export function csrPem({ der }: SampleCsr): string {
  return encodePem('CERTIFICATE REQUEST', der);
}
