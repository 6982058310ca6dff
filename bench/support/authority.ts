import { randomBytes } from 'node:crypto';
import type { Authority } from '../../src/authority/authority.ts';
import { createSelfSignedCertificate } from '../../src/authority/self-signed.ts';
import { generatePrivateKey } from '../../src/keys/private-key.ts';
import { createSoftwareSigner } from '../../src/keys/signer.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { parseName } from '../../src/x509/name.ts';
import { serialFromRandom } from '../../src/x509/serial.ts';

const day = 86_400_000;

/** A P-256 CA that lives in memory. */
export async function makeAuthority(name: string): Promise<Authority> {
  const privateKey = await generatePrivateKey('ec-p256');
  const now = Date.now();
  const der = await createSelfSignedCertificate({
    subject: parseName('CN=internal-ca'),
    privateKey,
    serial: serialFromRandom(randomBytes(16)),
    notBefore: new Date(now - day),
    notAfter: new Date(now + 3_650 * day),
  });
  return { name, certificate: readCertificate(der), chain: [], signer: createSoftwareSigner(privateKey) };
}
