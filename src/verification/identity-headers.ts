import { createHash } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificateNames } from './allow-rule.ts';

/** The headers by which an upstream learns who its client is. Proxies have to be told their names. */
export const identityHeaders = [
  'x-client-serial',
  'x-client-subject',
  'x-client-common-name',
  'x-client-sans',
  'x-client-fingerprint',
  'x-client-authority',
  'x-client-issuer',
  'x-client-not-after',
] as const;
export type IdentityHeader = (typeof identityHeaders)[number];

/** Names the headers that were too long to be sent; half of one could be somebody else's name. */
export const omittedHeader = 'x-client-omitted';

/** All answer headers together have to fit the 4 KiB that nginx reads of them by default. */
const maxValueLength = 700;

/**
 * Who the certificate says its holder is. Values are printable ASCII: every other octet of their UTF-8, and `%`, is
 * percent-encoded, so that none can end the header or begin another; in the list of alternative names commas are, too.
 */
export function identityHeadersOf(
  certificate: Certificate,
  names: CertificateNames,
  authority: string,
  issuer: string,
): Readonly<Record<string, string>> {
  const values: Record<IdentityHeader, string | undefined> = {
    'x-client-serial': certificate.serial,
    'x-client-subject': orNothing(encode(names.subject)),
    'x-client-common-name': names.commonName === undefined ? undefined : encode(names.commonName),
    'x-client-sans': orNothing(
      names.subjectAltNames
        .map(({ kind, value }) => encode(`${kind}:${value}`).replaceAll(',', '%2C'))
        .join(','),
    ),
    'x-client-fingerprint': createHash('sha256').update(certificate.der).digest('hex'),
    'x-client-authority': authority,
    'x-client-issuer': encode(issuer),
    'x-client-not-after': `${certificate.notAfter.toISOString().slice(0, 19)}Z`,
  };
  return withoutTooLong(values);
}

function withoutTooLong(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const headers: Record<string, string> = {};
  const omitted: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    if (value.length <= maxValueLength) headers[name] = value;
    else omitted.push(name);
  }
  return omitted.length === 0 ? headers : { ...headers, [omittedHeader]: omitted.join(',') };
}

/** A blank at either end would not survive the transport (RFC 9110 5.5). */
function encode(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]+|^ | $/g, (run) =>
    Buffer.from(run).toString('hex').toUpperCase().replace(/../g, '%$&'),
  );
}

function orNothing(text: string): string | undefined {
  return text === '' ? undefined : text;
}
