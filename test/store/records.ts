import { createHash, randomBytes } from 'node:crypto';
import type { CertificateRecord } from '../../src/store/certificates.ts';
import type { RevocationRequest } from '../../src/store/revocations.ts';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import { serialFromRandom } from '../../src/x509/serial.ts';

export const day = 86_400_000;
export const start = new Date('2026-11-23T12:00:00Z');

export function daysFrom(date: Date, days: number): Date {
  return new Date(date.getTime() + days * day);
}

/** A certificate of nobody in particular; its bytes are not a certificate, which the store does not look at. */
export function certificateRecord(changes: Partial<CertificateRecord> = {}): CertificateRecord {
  const der = changes.der ?? randomBytes(600);
  return {
    serial: serialFromRandom(randomBytes(16)).toString('hex'),
    authority: 'internal-ca',
    profile: 'client',
    subject: 'CN=device-1,O=Example',
    commonName: 'device-1',
    sans: ['dns:device-1.example'],
    notBefore: start,
    notAfter: daysFrom(start, 90),
    requester: 'token:a',
    spkiSha256: randomBytes(32),
    fingerprint: createHash('sha256').update(der).digest('hex'),
    der,
    metadata: { ticket: 'T-1' },
    createdAt: start,
    ...changes,
  };
}

export function revocationRequest(
  serial: string,
  changes: Partial<RevocationRequest> = {},
): RevocationRequest {
  return {
    serial,
    authority: 'internal-ca',
    reason: 'superseded',
    revokedAt: daysFrom(start, 1),
    requester: 'token:r',
    entry: entryOf(serial),
    blockSpki: false,
    ...changes,
  };
}

/** As a CRL carries it. @param serial in hex */
export function entryOf(serial: string): Buffer {
  return encodeRevokedEntry({ serial: Buffer.from(serial, 'hex'), revocationDate: daysFrom(start, 1) });
}
