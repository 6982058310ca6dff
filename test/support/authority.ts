import { randomBytes } from 'node:crypto';
import type { Authority } from '../../src/authority/authority.ts';
import { createSelfSignedCertificate } from '../../src/authority/self-signed.ts';
import { generatePrivateKey, type KeyType } from '../../src/keys/private-key.ts';
import { createSoftwareSigner } from '../../src/keys/signer.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { parseName } from '../../src/x509/name.ts';
import { serialFromRandom } from '../../src/x509/serial.ts';

const year = 365 * 86_400_000;

/** A CA that lives in memory, valid for ten years from `now`. */
export async function makeAuthority(
  now: number,
  options: { name?: string; keyType?: KeyType; notAfter?: Date } = {},
): Promise<Authority> {
  const privateKey = await generatePrivateKey(options.keyType ?? 'ec-p256');
  const der = await createSelfSignedCertificate({
    subject: parseName('CN=Test CA,O=Example'),
    privateKey,
    serial: serialFromRandom(randomBytes(16)),
    notBefore: new Date(now - 3_600_000),
    notAfter: options.notAfter ?? new Date(now + 10 * year),
  });
  return {
    name: options.name ?? 'internal-ca',
    certificate: readCertificate(der),
    chain: [],
    signer: createSoftwareSigner(privateKey),
  };
}
