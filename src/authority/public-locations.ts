/** Where relying parties find the public files of an authority: what stands in certificates and CRLs. */
export interface PublicLocations {
  readonly caIssuers: string;
  readonly crl: string;
  readonly deltaCrl: string;
  readonly ocsp: string;
  /** The part that lists the certificates of shard `index` of `count`. */
  shard(count: number, index: number): string;
}

/**
 * RFC 5280 4.2.1.13 and 4.2.2.1: all of it must be reachable without a token.
 * @param publicUrl with or without a closing slash
 */
export function publicLocations(publicUrl: string, authority: string): PublicLocations {
  const base = publicUrl.replace(/\/+$/, '');
  return {
    caIssuers: `${base}/ca/${authority}.crt`,
    crl: `${base}/crl/${authority}.crl`,
    deltaCrl: `${base}/crl/${authority}/delta.crl`,
    ocsp: `${base}/ocsp/${authority}`,
    shard: (count, index) => `${base}/crl/${authority}/shards/${count}/${index}.crl`,
  };
}
