/** The headers in which proxies hand on the certificate that a client has shown them in TLS. */
export const certificateHeaders = ['ssl-client-cert', 'x-forwarded-tls-client-cert', 'client-cert'] as const;
export type CertificateHeader = (typeof certificateHeaders)[number];

/** What the header holds is no certificate, or not only one. */
export class UnreadableCertificate extends Error {
  override readonly name = 'UnreadableCertificate';
}

const readers: Readonly<Record<CertificateHeader, (value: string) => Buffer>> = {
  'ssl-client-cert': readEscapedPem,
  'x-forwarded-tls-client-cert': readBareBase64,
  'client-cert': readByteSequence,
};

/**
 * The DER of the client's own certificate. Every form is one run of characters without a blank, so that a header which came
 * twice, and which Node joins by ", ", is none of them.
 * @throws UnreadableCertificate
 */
export function readForwardedCertificate(header: CertificateHeader, value: string): Buffer {
  return readers[header](value);
}

const begin = '-----BEGIN CERTIFICATE-----';
const end = '-----END CERTIFICATE-----';

/**
 * nginx: `$ssl_client_escaped_cert`, the PEM as a URI component. HAProxy and Envoy can send the same. One expression for all of it
 * would try every way to share out a run of blanks: 8 kB of them took 12 seconds.
 */
function readEscapedPem(value: string): Buffer {
  if (!/^[A-Za-z0-9%._~-]+$/.test(value)) throw new UnreadableCertificate('It is not URL-encoded PEM');
  const text = percentDecode(value).trimEnd();
  const body = text.startsWith(begin) && text.endsWith(end) ? text.slice(begin.length, -end.length) : '';
  if (!/^\s[A-Za-z0-9+/=\s]*\s$/.test(body)) {
    throw new UnreadableCertificate('It is not exactly one certificate in PEM');
  }
  return decodeBase64(body.replace(/\s+/g, ''));
}

/**
 * Traefik's passTLSClientCert: base64 without armour, the client's own first, then its chain, separated by commas; escaped
 * before Traefik 2.3. Base64 has no `%`, so the two cannot be mistaken for one another.
 */
function readBareBase64(value: string): Buffer {
  if (!/^[A-Za-z0-9+/=,%]+$/.test(value)) throw new UnreadableCertificate('It is not base64');
  const [own = '', ...chain] = (value.includes('%') ? percentDecode(value) : value).split(',');
  if (!chain.every((each) => /^[A-Za-z0-9+/]+={0,2}$/.test(each))) {
    throw new UnreadableCertificate('What follows the certificate is not base64');
  }
  return decodeBase64(own);
}

/** RFC 9440 2.2: a byte sequence of RFC 8941, without parameters. */
function readByteSequence(value: string): Buffer {
  if (!/^:[^:]+:$/.test(value)) throw new UnreadableCertificate('It is not a byte sequence (RFC 9440)');
  return decodeBase64(value.slice(1, -1));
}

function percentDecode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new UnreadableCertificate('Its URL encoding is malformed');
  }
}

/** Exact base64: Node's decoder would read over what is none. */
function decodeBase64(text: string): Buffer {
  const der = Buffer.from(text, 'base64');
  if (text === '' || der.toString('base64') !== text) throw new UnreadableCertificate('It is not base64');
  return der;
}
