import { createHash } from 'node:crypto';
import { encodePem } from '../encoding/pem.ts';
import type { CurrentCrl } from '../revocation/crl-files.ts';
import { formatName } from '../x509/name.ts';
import type { AuthorityView } from './parts.ts';
import { formatTime } from './values.ts';

/** Lower-case hex of the SHA-256 of the CA certificate's DER. */
export function authorityFingerprint(authority: AuthorityView): string {
  return createHash('sha256').update(authority.certificate.der).digest('hex');
}

/** An authority as `GET /v1/authorities` shows it. */
export function authorityView(authority: AuthorityView, crl: CurrentCrl, isDefault: boolean) {
  const { certificate } = authority;
  return {
    name: authority.name,
    default: isDefault,
    subject: formatName(certificate.subject),
    serial: certificate.serial,
    notBefore: formatTime(certificate.notBefore),
    notAfter: formatTime(certificate.notAfter),
    fingerprint: authorityFingerprint(authority),
    certificate: encodePem('CERTIFICATE', certificate.der),
    chain: authority.chain.map((above) => encodePem('CERTIFICATE', above.der)).join(''),
    crl: {
      number: crl.number.toString(),
      thisUpdate: formatTime(crl.thisUpdate),
      nextUpdate: formatTime(crl.nextUpdate),
      entryCount: crl.entryCount,
      sizeBytes: crl.der.length,
      sha256: crl.sha256,
    },
  };
}
