import type { IssuedCertificate } from '../issuance/issued-certificate.ts';
import type { CertificateState, CertificateSummary } from '../store/certificates.ts';
import { formatTime } from './values.ts';

/** A recorded certificate as `GET` shows it; `now` decides between valid and expired. */
export function certificateSummary(record: CertificateSummary, now: number) {
  const { serial, authority, profile, subject, sans, fingerprint, metadata, requester, revocation } = record;
  return {
    serial,
    authority,
    profile,
    subject,
    sans,
    notBefore: formatTime(record.notBefore),
    notAfter: formatTime(record.notAfter),
    fingerprint,
    metadata,
    requester,
    state: stateOf(record, now),
    ...(revocation === undefined
      ? {}
      : { revocation: { ...revocation, revokedAt: formatTime(revocation.revokedAt) } }),
  };
}

/** A new certificate as `POST` answers it. */
export function issuedView(issued: IssuedCertificate) {
  const { serial, authority, profile, subject, sans, fingerprint, metadata, notHonoured } = issued;
  return {
    serial,
    certificate: issued.certificatePem,
    chain: issued.chainPem,
    authority,
    profile,
    subject,
    sans,
    notBefore: formatTime(issued.notBefore),
    notAfter: formatTime(issued.notAfter),
    fingerprint,
    metadata,
    notHonoured,
  };
}

function stateOf(record: CertificateSummary, now: number): CertificateState {
  if (record.revocation !== undefined) return 'revoked';
  return record.notAfter.getTime() < now ? 'expired' : 'valid';
}
