import type { Authority } from '../authority/authority.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { readExtendedKeyUsage } from '../x509/extension-reader.ts';
import { extensionOid } from '../x509/extensions.ts';
import { readGeneralNames } from '../x509/general-name.ts';
import { commonNameOf, formatName } from '../x509/name.ts';
import { verifySigned } from '../x509/signed.ts';
import { X509Error } from '../x509/x509-error.ts';
import type { CertificateNames } from './allow-rule.ts';
import { UnreadableCertificate } from './forwarded-certificate.ts';
import { identityHeadersOf } from './identity-headers.ts';

/** A certificate of a client of ours, with all that stays true of it: what does not is asked each time. */
export interface ClientCertificate {
  readonly authority: string;
  /** Lower-case hex. */
  readonly serial: string;
  /** Milliseconds; the end is that of the first certificate of the chain to expire. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly names: CertificateNames;
  /** Who it is, for the upstream. */
  readonly headers: Readonly<Record<string, string>>;
}

export type IssuingAuthority = Pick<Authority, 'name' | 'certificate' | 'chain'> & {
  readonly signer: Pick<Authority['signer'], 'publicKey'>;
};

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** Those that are looked at, or that only say where to look: any other that is critical refuses (RFC 5280 4.2). */
const understood: ReadonlySet<string> = new Set([
  extensionOid.basicConstraints,
  extensionOid.keyUsage,
  extensionOid.extendedKeyUsage,
  extensionOid.subjectAltName,
  extensionOid.subjectKeyIdentifier,
  extensionOid.authorityKeyIdentifier,
  extensionOid.crlDistributionPoints,
  extensionOid.authorityInfoAccess,
]);

/**
 * Reads the certificate, finds which of `authorities` has signed it, and that it is one for clients. What OpenSSL asks of a
 * client's certificate is asked here too: neither a CA nor one for servers only.
 * @throws UnreadableCertificate when it is none that RFC 5280 allows
 */
export async function examineCertificate(
  der: Buffer,
  authorities: readonly IssuingAuthority[],
): Promise<ClientCertificate | 'unknown-authority' | 'not-a-client'> {
  const certificate = reading(() => readCertificate(der));
  const authority = await issuerOf(certificate, authorities);
  if (authority === undefined) return 'unknown-authority';
  if (!isForClients(certificate)) return 'not-a-client';
  const names = namesOf(certificate);
  const issuer = formatName(certificate.issuer);
  const chain = [certificate, authority.certificate, ...authority.chain];
  return {
    authority: authority.name,
    serial: certificate.serial,
    notBefore: Math.max(...chain.map(({ notBefore }) => notBefore.getTime())),
    notAfter: Math.min(...chain.map(({ notAfter }) => notAfter.getTime())),
    names,
    headers: identityHeadersOf(certificate, names, authority.name, issuer),
  };
}

/** By name and by signature: after an exchange of its key, two authorities may have the same name. */
async function issuerOf(
  certificate: Certificate,
  authorities: readonly IssuingAuthority[],
): Promise<IssuingAuthority | undefined> {
  for (const authority of authorities) {
    if (!authority.certificate.subject.der.equals(certificate.issuer.der)) continue;
    if (await isSignedBy(certificate, authority)) return authority;
  }
  return undefined;
}

async function isSignedBy(certificate: Certificate, { signer }: IssuingAuthority): Promise<boolean> {
  try {
    return await verifySigned(certificate, signer.publicKey, 'certificate');
  } catch (error) {
    // An algorithm that none of ours signs with.
    if (error instanceof X509Error) return false;
    throw error;
  }
}

function isForClients(certificate: Certificate): boolean {
  const { basicConstraints, keyUsage, extensions } = certificate;
  if (basicConstraints?.ca === true) return false;
  if (extensions.some(({ oid, critical }) => critical && !understood.has(oid))) return false;
  if (keyUsage !== undefined && !keyUsage.some((u) => u === 'digitalSignature' || u === 'keyAgreement')) {
    return false;
  }
  const usages = extensions.find(({ oid }) => oid === extensionOid.extendedKeyUsage);
  if (usages === undefined) return true;
  const field = 'certificate.extensions.extendedKeyUsage';
  return reading(() => readExtendedKeyUsage(usages.value, field, 'certificate-malformed')).includes(
    CLIENT_AUTH,
  );
}

function namesOf(certificate: Certificate): CertificateNames {
  const commonName = commonNameOf(certificate.subject);
  const extension = certificate.extensions.find(({ oid }) => oid === extensionOid.subjectAltName);
  const field = 'certificate.extensions.subjectAltName';
  const names =
    extension === undefined
      ? []
      : reading(() => readGeneralNames(extension.value, field, 'certificate-malformed'));
  return {
    subject: formatName(certificate.subject),
    ...(commonName === undefined ? {} : { commonName }),
    subjectAltNames: names.map(({ kind, value }) => ({ kind, value })),
  };
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof X509Error) throw new UnreadableCertificate(error.message, { cause: error });
    throw error;
  }
}
