import { webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { TrustMaterial } from '../../src/publication/trust-material.ts';

/** A real CA certificate, and a CRL of it of any size, for tests of what carries them. */
export interface MaterialSource {
  at(crlNumber: bigint, o?: { crlBytes?: number; compactBytes?: number; entryCount?: number }): TestMaterial;
}

/** With the texts at hand. */
export interface TestMaterial extends TrustMaterial {
  readonly caCrl: string;
  readonly compactCrl?: string;
}

/** The same with another text for a CRL. */
export function withCrl(material: TrustMaterial, caCrl: string): TestMaterial {
  return { ...material, caCrl, crls: { full: crlText(caCrl) } };
}

const crlText = (text: string) => ({ sizeBytes: text.length, pems: async () => [Buffer.from(text)] });

export async function createMaterialSource(name = 'CN=internal-ca'): Promise<MaterialSource> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name,
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date('2026-01-01'),
      notAfter: new Date('2036-01-01'),
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    },
    webcrypto,
  );
  const fingerprint = Buffer.from(await certificate.getThumbprint('SHA-256', webcrypto)).toString('hex');
  return {
    at(crlNumber, { crlBytes = 0, compactBytes, entryCount = 0 } = {}) {
      const caCrl = crlOf(crlNumber, crlBytes);
      const compactCrl = compactBytes === undefined ? undefined : crlOf(crlNumber, compactBytes);
      return {
        caCrt: `${certificate.toString('pem')}\n`,
        caCrl,
        crls: {
          full: crlText(caCrl),
          ...(compactCrl === undefined ? {} : { compact: crlText(compactCrl) }),
        },
        ...(compactCrl === undefined ? {} : { compactCrl }),
        entryCount,
        crlNumber,
        nextUpdate: new Date('2026-12-01'),
        caFingerprints: [fingerprint],
      };
    },
  };
}

/** Only the armour counts here: the number stands in the body, so that two CRLs differ. */
function crlOf(crlNumber: bigint, bytes: number): string {
  const body = Buffer.alloc(Math.max(64, Math.floor((bytes * 3) / 4)), `CRL ${crlNumber} `).toString(
    'base64',
  );
  return `-----BEGIN X509 CRL-----\n${body}\n-----END X509 CRL-----\n`;
}
