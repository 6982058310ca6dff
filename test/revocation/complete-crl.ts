import { createHash } from 'node:crypto';
import type { Authority } from '../../src/authority/authority.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import type { CurrentCrl } from '../../src/revocation/crl-files.ts';
import { assembleCrl, type CrlHeader, encodeRevokedEntry, encodeTbsCertList } from '../../src/x509/crl.ts';
import { subjectKeyIdentifier } from '../../src/x509/public-key.ts';

interface CrlOptions extends Pick<CrlHeader, 'deltaBase' | 'freshestCrl' | 'distributionPoint'> {
  readonly now: number;
  readonly number?: bigint;
}

/** A CRL over these serials: the complete one, unless `options` make it another. Every third entry has a reason. */
export async function completeCrl(
  authority: Authority,
  serials: readonly Buffer[],
  { now, number = 7n, ...options }: CrlOptions,
): Promise<CurrentCrl> {
  const entries = serials.map((serial, i) =>
    encodeRevokedEntry({
      serial,
      revocationDate: new Date(now - i * 1000),
      ...(i % 3 === 0 ? { reason: 'superseded' as const } : {}),
    }),
  );
  const { certificate, signer } = authority;
  const thisUpdate = new Date(now);
  const nextUpdate = new Date(now + 86_400_000);
  const tbs = encodeTbsCertList({
    signatureAlgorithm: signer.algorithm.der,
    issuer: certificate.subject.der,
    thisUpdate,
    nextUpdate,
    authorityKeyId: certificate.subjectKeyId ?? subjectKeyIdentifier(certificate.publicKey),
    crlNumber: number,
    entries,
    ...options,
  });
  const der = assembleCrl(tbs, signer.algorithm.der, await signer.sign(Buffer.concat(tbs)));
  const sha256 = createHash('sha256').update(der).digest('hex');
  const pem = async () => Buffer.from(encodePem('X509 CRL', der));
  return { der, pem, sha256, number, thisUpdate, nextUpdate, entryCount: serials.length };
}
