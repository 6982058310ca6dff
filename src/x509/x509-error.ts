/**
 * Codes shared with the service's fault catalogue, four of our own for what an operator gives us (certificates to import,
 * CRLs, names in the configuration), and one for OCSP, which has errors of its own.
 */
export type X509ErrorCode =
  | 'csr-malformed'
  | 'csr-too-large'
  | 'csr-signature-invalid'
  | 'csr-signature-unsupported'
  | 'key-type-unsupported'
  | 'key-malformed'
  | 'key-weak'
  | 'san-malformed'
  | 'certificate-malformed'
  | 'crl-malformed'
  | 'name-malformed'
  | 'ocsp-malformed'
  | 'signature-unsupported';

/** A structure that RFC 5280 or RFC 2986 forbids. `message` is safe to show; `field` names the part, e.g. "csr.subject.CN". */
export class X509Error extends Error {
  override readonly name = 'X509Error';
  readonly code: X509ErrorCode;
  readonly field: string;

  constructor(code: X509ErrorCode, message: string, field: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.field = field;
  }
}
