import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createSelfSignedCertificate } from '../../src/authority/self-signed.ts';
import { integer, sequence, tlv } from '../../src/encoding/der-writer.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import { contextConstructed } from '../../src/encoding/tag.ts';
import { generatePrivateKey, writePrivateKey } from '../../src/keys/private-key.ts';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import { crlNumberExtension } from '../../src/x509/extensions.ts';
import { parseName } from '../../src/x509/name.ts';
import { serialFromRandom } from '../../src/x509/serial.ts';
import { assembleSigned } from '../../src/x509/signed.ts';
import { encodeTime } from '../../src/x509/time.ts';

const day = 86_400_000;
const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex');
const name = parseName('CN=Shell Script CA');
const keyPrefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

export interface ForeignCa {
  readonly key: KeyObject;
  readonly certificatePem: string;
  readonly keyPem: string;
}

export async function makeForeignCa(): Promise<ForeignCa> {
  const key = await generatePrivateKey('ec-p256');
  const der = await createSelfSignedCertificate({
    subject: name,
    privateKey: key,
    serial: serialFromRandom(randomBytes(16)),
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + 3_650 * day),
  });
  return { key, certificatePem: encodePem('CERTIFICATE', der), keyPem: writePrivateKey(key) };
}

/** Writes certs.pem, index.txt and ca.crl of `count` certificates with random serials and keys, all of them revoked. */
export async function writeImportFiles(
  ca: ForeignCa,
  directory: string,
  count: number,
  { crlOnly }: { readonly crlOnly: boolean },
): Promise<void> {
  const serials = Array.from({ length: count }, () => serialFromRandom(randomBytes(16)));
  const revokedAt = new Date(Math.floor(Date.now() / 1000) * 1000 - day);
  if (!crlOnly) {
    await writeCertificates(ca, join(directory, 'certs.pem'), serials);
    const utc = (time: number) => `${new Date(time).toISOString().slice(2, 19).replace(/[-T:]/g, '')}Z`;
    const line = (serial: Buffer) =>
      `R\t${utc(Date.now() + 90 * day)}\t${utc(revokedAt.getTime())},superseded\t${serial.toString('hex').toUpperCase()}\tunknown\t/CN=device\n`;
    await writeFile(join(directory, 'index.txt'), serials.map(line).join(''));
  }
  const entries = serials.map((serial) =>
    encodeRevokedEntry({ serial, revocationDate: revokedAt, reason: 'superseded' }),
  );
  const tbs = sequence(
    ...[integer(1), algorithm, name.der, encodeTime(revokedAt), encodeTime(new Date(Date.now() + day))],
    sequence(Buffer.concat(entries)),
    tlv(contextConstructed(0), sequence(crlNumberExtension(7n))),
  );
  await writeFile(join(directory, 'ca.crl'), assembleSigned(tbs, algorithm, sign('sha256', tbs, ca.key)));
}

async function writeCertificates(ca: ForeignCa, file: string, serials: readonly Buffer[]): Promise<void> {
  const out = createWriteStream(file);
  const validity = sequence(
    encodeTime(new Date(Date.now() - day)),
    encodeTime(new Date(Date.now() + 90 * day)),
  );
  for (const [index, serial] of serials.entries()) {
    const spki = Buffer.concat([keyPrefix, Buffer.of(4), randomBytes(64)]);
    const subject = parseName(`CN=device-${index},O=Example`).der;
    const version = tlv(contextConstructed(0), integer(2));
    const tbs = sequence(version, tlv(2, serial), algorithm, name.der, validity, subject, spki);
    const der = assembleSigned(tbs, algorithm, sign('sha256', tbs, ca.key));
    if (!out.write(encodePem('CERTIFICATE', der))) await once(out, 'drain');
    if (index % 1_000 === 0) await setImmediate();
  }
  out.end();
  await once(out, 'finish');
}
