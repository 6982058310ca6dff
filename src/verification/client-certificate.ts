import type { Authority } from '../authority/authority.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { readExistingScheme } from '../x509/existing-signature.ts';
import { type Extension, readExtendedKeyUsage, readNetscapeClient } from '../x509/extension-reader.ts';
import { extensionLabel, extensionOid } from '../x509/extensions.ts';
import { readExistingGeneralNames } from '../x509/general-name.ts';
import { commonNameOf, formatName, sameName } from '../x509/name.ts';
import { verifyByScheme } from '../x509/signed.ts';
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

const CODE = 'certificate-malformed';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/**
 * Those that may be critical: the ones that OpenSSL, and so nginx, says that it handles (X509_supported_extension). Any other
 * refuses (RFC 5280 4.2). Key identifiers and authorityInfoAccess are not among them.
 */
const mayBeCritical: ReadonlySet<string> = new Set([
  extensionOid.basicConstraints,
  extensionOid.keyUsage,
  extensionOid.extendedKeyUsage,
  extensionOid.subjectAltName,
  extensionOid.crlDistributionPoints,
  extensionOid.ocspNoCheck,
  extensionOid.nameConstraints,
  extensionOid.certificatePolicies,
  extensionOid.policyMappings,
  extensionOid.policyConstraints,
  extensionOid.inhibitAnyPolicy,
  extensionOid.ipAddrBlocks,
  extensionOid.autonomousSysIds,
  extensionOid.netscapeCertType,
]);

/** Why a certificate that can be read is none of a client of ours. */
export interface Unfit {
  readonly reason: 'unknown-authority' | 'not-a-client';
  readonly detail: string;
}

/**
 * Reads the certificate, finds which of `authorities` has signed it, and that it is one for clients. What OpenSSL asks of a
 * client's certificate is asked here too: neither a CA nor one for servers only.
 * @throws UnreadableCertificate when OpenSSL could not read it either
 */
export async function examineCertificate(
  der: Buffer,
  authorities: readonly IssuingAuthority[],
): Promise<ClientCertificate | Unfit> {
  const certificate = reading(() => readCertificate(der));
  const authority = await issuerOf(certificate, authorities);
  if (authority === undefined)
    return { reason: 'unknown-authority', detail: 'No authority of ours has signed it.' };
  const unfit = unfitness(certificate);
  if (unfit !== undefined) return { reason: 'not-a-client', detail: unfit };
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
    if (!sameName(authority.certificate.subject, certificate.issuer)) continue;
    if (await isSignedBy(certificate, authority)) return authority;
  }
  return undefined;
}

async function isSignedBy(certificate: Certificate, { signer }: IssuingAuthority): Promise<boolean> {
  try {
    const scheme = readExistingScheme(certificate.signatureAlgorithm, 'certificate');
    return await verifyByScheme(scheme, certificate, signer.publicKey);
  } catch (error) {
    // An algorithm that none of ours signs with.
    if (error instanceof X509Error) return false;
    throw error;
  }
}

/** What keeps it from being one for clients. */
function unfitness(certificate: Certificate): string | undefined {
  const { basicConstraints, keyUsage, extensions } = certificate;
  if (basicConstraints?.ca === true) return 'The certificate is that of a CA.';
  const unknown = extensions.find(({ oid, critical }) => critical && !mayBeCritical.has(oid));
  if (unknown !== undefined)
    return `The certificate has the critical extension ${extensionLabel(unknown.oid)}, which is not understood.`;
  if (extensions.some(({ oid }) => oid === extensionOid.proxyCertInfo))
    return 'The certificate is a proxy certificate.';
  if (keyUsage !== undefined && !keyUsage.some((u) => u === 'digitalSignature' || u === 'keyAgreement'))
    return 'The certificate is not one for clients: its keyUsage has neither digitalSignature nor keyAgreement.';
  return purposeProblem(extensions);
}

function purposeProblem(extensions: readonly Extension[]): string | undefined {
  const valueIn = (wanted: string): Buffer | undefined => extensions.find(({ oid }) => oid === wanted)?.value;
  const path = 'certificate.extensions';
  const type = valueIn(extensionOid.netscapeCertType);
  const isClient =
    type === undefined || reading(() => readNetscapeClient(type, `${path}.netscapeCertType`, CODE));
  if (!isClient) return 'The certificate is not one for clients: its netscapeCertType has not SSL client.';
  const usages = valueIn(extensionOid.extendedKeyUsage);
  if (usages === undefined) return undefined;
  const purposes = reading(() => readExtendedKeyUsage(usages, `${path}.extendedKeyUsage`, CODE));
  return purposes.includes(CLIENT_AUTH)
    ? undefined
    : 'The certificate is not one for clients: its extendedKeyUsage has not clientAuth.';
}

function namesOf(certificate: Certificate): CertificateNames {
  const commonName = commonNameOf(certificate.subject);
  const extension = certificate.extensions.find(({ oid }) => oid === extensionOid.subjectAltName);
  const field = 'certificate.extensions.subjectAltName';
  const names =
    extension === undefined ? [] : reading(() => readExistingGeneralNames(extension.value, field, CODE));
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
