import type { Authority } from '../authority/authority.ts';
import { type CertificateTemplate, prepareTemplate } from '../x509/certificate-template.ts';
import { subjectKeyIdentifier } from '../x509/public-key.ts';
import type { GrantedExtensions } from './requested-extensions.ts';

/** Gives the prepared bytes for an authority and a set of usages. */
export type TemplateSource = (
  authority: Authority,
  usages: Pick<GrantedExtensions, 'keyUsage' | 'extendedKeyUsage'>,
) => CertificateTemplate;

/**
 * Prepares each template once. Their number is bounded: a profile's usages and the subsets of them that CSRs ask
 * for, no more than a few dozen in practice and never chosen freely by a caller.
 * @param publicUrl where relying parties reach the public files; undefined leaves CDP and AIA out
 */
export function createTemplateSource(publicUrl: string | undefined): TemplateSource {
  const prepared = new Map<string, CertificateTemplate>();
  return (authority, usages) => {
    const key = `${authority.name}|${usages.keyUsage.join()}|${usages.extendedKeyUsage.join()}`;
    const known = prepared.get(key);
    if (known !== undefined) return known;
    const template = prepareTemplate({
      issuerName: authority.certificate.subject.der,
      issuerKeyId:
        authority.certificate.subjectKeyId ?? subjectKeyIdentifier(authority.certificate.publicKey),
      signatureAlgorithm: authority.signer.algorithm.der,
      keyUsage: usages.keyUsage,
      extendedKeyUsage: usages.extendedKeyUsage,
      ...(publicUrl === undefined ? {} : publicLocations(publicUrl, authority.name)),
    });
    prepared.set(key, template);
    return template;
  };
}

/** RFC 5280 4.2.1.13 and 4.2.2.1: both must be reachable without a token, so they are the public files. */
function publicLocations(
  publicUrl: string,
  name: string,
): { crlDistributionPoint: string; caIssuers: string } {
  const base = publicUrl.replace(/\/+$/, '');
  return { crlDistributionPoint: `${base}/crl/${name}.crl`, caIssuers: `${base}/ca/${name}.crt` };
}
