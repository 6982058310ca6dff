import type { AuthorityRegistry } from '../authority/authority.ts';
import type { Config } from '../config/config.ts';
import { createCompressor } from '../http/compression.ts';
import type { HttpParts } from '../http/parts.ts';
import { createTemplateSource, type TemplateSource } from '../issuance/templates.ts';
import type { CrlFiles } from '../revocation/crl-files.ts';
import { createCrlShards } from '../revocation/crl-shards.ts';

/** What relying parties other than ingress controllers get over HTTP. */
export function openDistribution(
  { publicUrl, distribution }: Pick<Config, 'publicUrl' | 'distribution'>,
  parts: { readonly crls: CrlFiles; readonly authorities: AuthorityRegistry },
): Pick<HttpParts, 'compressor' | 'crlShards'> {
  const divides = distribution.crlShards > 0 && publicUrl !== undefined;
  return {
    compressor: createCompressor(),
    ...(divides ? { crlShards: createCrlShards({ ...parts, publicUrl }) } : {}),
  };
}

/** The templates of certificates that clients get: they name what relying parties are offered. */
export function templatesOf({
  publicUrl,
  distribution,
  crl,
}: Pick<Config, 'publicUrl' | 'distribution' | 'crl'>): TemplateSource {
  return createTemplateSource(publicUrl, {
    crlShards: distribution.crlShards,
    deltaCrl: crl.delta === 'on',
    ocsp: distribution.ocspAia === 'on',
  });
}
