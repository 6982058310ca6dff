import { integer, sequence, tlv } from '../../src/encoding/der-writer.ts';
import { contextConstructed } from '../../src/encoding/tag.ts';
import {
  authorityKeyIdentifierExtension,
  basicConstraintsExtension,
  keyUsageExtension,
  subjectKeyIdentifierExtension,
} from '../../src/x509/extensions.ts';
import { type SubjectPublicKeyInfo, subjectKeyIdentifier } from '../../src/x509/public-key.ts';
import { encodeSerial } from '../../src/x509/serial.ts';
import { encodeTime } from '../../src/x509/time.ts';

export interface CaCertificateInput {
  /** 1 to 20 octets, positive. */
  readonly serial: Buffer;
  /** Name DER; not empty. */
  readonly subject: Buffer;
  /** Who signs; absent for a self-signed certificate. */
  readonly issuer?: { readonly name: Buffer; readonly keyId: Buffer };
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: SubjectPublicKeyInfo;
  /** AlgorithmIdentifier of the signer. */
  readonly signatureAlgorithm: Buffer;
  readonly pathLength?: number;
}

/** TBSCertificate of a CA: BasicConstraints (critical) CA:TRUE, KeyUsage (critical) keyCertSign and cRLSign, SKI, AKI. */
export function encodeCaCertificate(input: CaCertificateInput): Buffer {
  // RFC 5280 4.1.2.6: a CA has a name, or nothing could refer to it as issuer.
  if (input.subject.length <= 2) throw new RangeError('A CA has a subject that is not empty');
  const keyId = subjectKeyIdentifier(input.publicKey);
  const { pathLength } = input;
  return encodeTbsCertificate({
    serial: input.serial,
    signatureAlgorithm: input.signatureAlgorithm,
    issuer: input.issuer?.name ?? input.subject,
    notBefore: input.notBefore,
    notAfter: input.notAfter,
    subject: input.subject,
    spki: input.publicKey.der,
    extensions: [
      basicConstraintsExtension({ ca: true, ...(pathLength !== undefined && { pathLength }) }),
      keyUsageExtension(['keyCertSign', 'cRLSign']),
      subjectKeyIdentifierExtension(keyId),
      authorityKeyIdentifierExtension(input.issuer?.keyId ?? keyId),
    ],
  });
}

interface TbsCertificateInput {
  readonly serial: Buffer;
  /** AlgorithmIdentifier DER. */
  readonly signatureAlgorithm: Buffer;
  /** Name DER. */
  readonly issuer: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Name DER. */
  readonly subject: Buffer;
  /** SubjectPublicKeyInfo DER. */
  readonly spki: Buffer;
  /** Whole Extension elements. */
  readonly extensions: readonly Buffer[];
}

/** TBSCertificate v3 (RFC 5280 4.1). */
export function encodeTbsCertificate(input: TbsCertificateInput): Buffer {
  return sequence(
    tlv(contextConstructed(0), integer(2)),
    encodeSerial(input.serial),
    input.signatureAlgorithm,
    input.issuer,
    sequence(encodeTime(input.notBefore), encodeTime(input.notAfter)),
    input.subject,
    input.spki,
    tlv(contextConstructed(3), sequence(...input.extensions)),
  );
}
