import { integer, sequence, tlv, unsignedInteger } from '../encoding/der-writer.ts';
import { contextConstructed } from '../encoding/tag.ts';
import { encodeTime } from './time.ts';

/** RFC 5280 4.1.2.2: positive, at most 20 octets. */
const MAX_SERIAL_OCTETS = 20;

/** INTEGER of a serial's octets. Throws `RangeError` unless it is positive and has at most 20 octets. */
export function encodeSerial(serial: Buffer): Buffer {
  const encoded = unsignedInteger(serial);
  if (encoded.length - 2 > MAX_SERIAL_OCTETS || serial.every((octet) => octet === 0)) {
    throw new RangeError('A serial number is positive and has at most 20 octets');
  }
  return encoded;
}

export interface TbsCertificateInput {
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

/** TBSCertificate v3 (RFC 5280 4.1), the plain way: for what is not issued by the thousand. */
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
