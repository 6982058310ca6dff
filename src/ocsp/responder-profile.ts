import { ocspSigning } from '../issuance/extended-key-usages.ts';
import type { Profile } from '../issuance/profile.ts';
import type { TemplateSource } from '../issuance/templates.ts';
import { prepareTemplate } from '../x509/certificate-template.ts';
import { ocspNoCheckExtension } from '../x509/extensions.ts';
import { subjectKeyIdentifier } from '../x509/public-key.ts';

/** Profile and requester of the responders' certificates in the records. */
export const responderName = 'ocsp-responder';

/** Of the responders alone (RFC 6960 4.2.2.2): no caller can name it. P-256 whatever the CA's key: it signs the most per second. */
export function responderProfile(validitySeconds: number): Profile {
  return {
    name: responderName,
    description: 'OCSP answers are signed with these.',
    keys: { rsa: false, ec: ['P-256'], ed25519: false },
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [ocspSigning],
    defaultValiditySeconds: validitySeconds,
    maxValiditySeconds: validitySeconds,
    subject: { allowed: ['CN'], required: ['CN'] },
    subjectAltName: { kinds: [], required: false, wildcards: false, patterns: {} },
  };
}

/** With id-pkix-ocsp-nocheck in place of the addresses of CRL and OCSP: asking about who answers would go round in circles. */
export const responderTemplates: TemplateSource = (authority, usages) =>
  prepareTemplate({
    issuerName: authority.certificate.subject.der,
    issuerKeyId: authority.certificate.subjectKeyId ?? subjectKeyIdentifier(authority.certificate.publicKey),
    signatureAlgorithm: authority.signer.algorithm.der,
    keyUsage: usages.keyUsage,
    extendedKeyUsage: usages.extendedKeyUsage,
    ownExtensions: [ocspNoCheckExtension()],
  });
