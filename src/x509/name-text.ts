import type { Name } from './name.ts';

/**
 * RFC 4514 text as OpenSSL prints it with `-nameopt RFC2253`, and so what nginx gives in `ssl-client-subject-dn`:
 * last RDN first, bytes outside of ASCII as `\XX`, unknown attributes as `OID=#<hex of the DER>`.
 */
export function formatName(name: Name): string {
  throw new Error(String(name));
}

/**
 * Reads RFC 4514 text, e.g. "CN=internal-ca,O=Example" (most specific first, as everywhere in RFC 4514).
 * Values become UTF8String, but PrintableString for C, serialNumber and dnQualifier and IA5String for DC and emailAddress.
 * Throws `X509Error` name-malformed.
 */
export function parseName(text: string): Name {
  throw new Error(text);
}
