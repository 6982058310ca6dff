import type { Authority } from '../authority/authority.ts';
import { publicLocations } from '../authority/public-locations.ts';
import {
  type CertificateTemplate,
  prepareTemplate,
  type TemplateInput,
} from '../x509/certificate-template.ts';
import { shardOf } from '../x509/crl-shard.ts';
import { subjectKeyIdentifier } from '../x509/public-key.ts';
import type { GrantedExtensions } from './requested-extensions.ts';

/** Gives the prepared bytes for an authority, a set of usages, and the part of the CRL that a serial belongs to. */
export type TemplateSource = (
  authority: Authority,
  usages: Pick<GrantedExtensions, 'keyUsage' | 'extendedKeyUsage'>,
  serial: Buffer,
) => CertificateTemplate;

/** What a certificate names besides the complete CRL and the CA certificate. */
export interface Pointers {
  /** Number of CRL parts, a power of two; 0: none. */
  readonly crlShards: number;
  readonly deltaCrl: boolean;
  readonly ocsp: boolean;
}

const noPointers: Pointers = { crlShards: 0, deltaCrl: false, ocsp: false };

/**
 * Prepares each template once. Their number is bounded: a profile's usages and the subsets of them that CSRs ask
 * for, no more than a few dozen in practice and never chosen freely by a caller, times the parts of the CRL.
 * @param publicUrl where relying parties reach the public files; undefined leaves CDP and AIA out
 */
export function createTemplateSource(
  publicUrl: string | undefined,
  pointers: Pointers = noPointers,
): TemplateSource {
  const prepared = new Map<string, CertificateTemplate>();
  return (authority, usages, serial) => {
    const shard = pointers.crlShards === 0 ? undefined : shardOf(serial, pointers.crlShards);
    const key = `${authority.name}|${usages.keyUsage.join()}|${usages.extendedKeyUsage.join()}|${shard}`;
    const known = prepared.get(key);
    if (known !== undefined) return known;
    const template = prepareTemplate({
      issuerName: authority.certificate.subject.der,
      issuerKeyId:
        authority.certificate.subjectKeyId ?? subjectKeyIdentifier(authority.certificate.publicKey),
      signatureAlgorithm: authority.signer.algorithm.der,
      keyUsage: usages.keyUsage,
      extendedKeyUsage: usages.extendedKeyUsage,
      ...(publicUrl === undefined ? {} : locations(publicUrl, authority.name, pointers, shard)),
    });
    prepared.set(key, template);
    return template;
  };
}

/**
 * The part comes first, and the complete CRL second, for who does not understand parts: to a critical extension that it does
 * not know, a relying party can only say that this CRL is not for it (RFC 5280 5.2), and goes to the next (6.3.3).
 */
function locations(
  publicUrl: string,
  name: string,
  { crlShards, deltaCrl, ocsp }: Pointers,
  shard: number | undefined,
): Pick<TemplateInput, 'crlDistributionPoints' | 'freshestCrl' | 'infoAccess'> {
  const at = publicLocations(publicUrl, name);
  return {
    crlDistributionPoints: [...(shard === undefined ? [] : [at.shard(crlShards, shard)]), at.crl],
    ...(deltaCrl ? { freshestCrl: at.deltaCrl } : {}),
    infoAccess: { ...(ocsp ? { ocsp: at.ocsp } : {}), caIssuers: at.caIssuers },
  };
}
