import type { Clock } from '../clock.ts';
import { encodeRevokedEntry } from '../x509/crl.ts';
import type { RevocationReason } from '../x509/revocation-reason.ts';

/** Now, in whole seconds as the CRL has them (RFC 5280 5.1.2.4): what we answer is what the CRL says. */
export function revocationDate(clock: Clock): Date {
  return new Date(Math.floor(clock.now() / 1000) * 1000);
}

/** The entry of revokedCertificates (RFC 5280 5.1.2.6). @param serial lower-case hex */
export function revokedEntry(serial: string, date: Date, reason: RevocationReason): Buffer {
  return encodeRevokedEntry({ serial: Buffer.from(serial, 'hex'), revocationDate: date, reason });
}

/** A key is in the wrong hands: the CRL does not wait for other revocations. */
export function isUrgent(reason: RevocationReason): boolean {
  return reason === 'keyCompromise' || reason === 'cACompromise';
}
