import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { contextPrimitive, tag } from '../encoding/tag.ts';
import { readField } from './der-field.ts';
import { type BasicConstraints, extensionLabel, type KeyUsage, keyUsages } from './extensions.ts';
import { X509Error, type X509ErrorCode } from './x509-error.ts';

/** An Extension taken apart. */
export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** Inside the OCTET STRING. */
  readonly value: Buffer;
}

/**
 * Extensions: a SEQUENCE OF Extension, in its order. Throws `X509Error` (`code`, `<field>.<label>`) on an OID that stands
 * twice (RFC 5280 4.2), `DerError` on what is not DER.
 */
export function readExtensions(list: DerReader, field: string, code: X509ErrorCode): Extension[] {
  const extensions: Extension[] = [];
  const seen = new Set<string>();
  while (!list.atEnd) {
    const extension = readExtension(list.sequence());
    if (seen.has(extension.oid)) {
      const path = `${field}.${extensionLabel(extension.oid)}`;
      throw new X509Error(code, `${path}: the extension stands twice`, path);
    }
    seen.add(extension.oid);
    extensions.push(extension);
  }
  return extensions;
}

/** The same of a certificate that exists: all of them, also where an OID stands twice. Throws `DerError` on what is not DER. */
export function readExistingExtensions(list: DerReader): Extension[] {
  const extensions: Extension[] = [];
  while (!list.atEnd) extensions.push(readExtension(list.sequence()));
  return extensions;
}

/** X.690 11.5 leaves out `critical` FALSE, the default; some clients write it, and since only the value is copied, it may stand. */
function readExtension(sequence: DerReader): Extension {
  const oid = sequence.oid();
  const critical = sequence.peek() === tag.boolean && sequence.boolean();
  const value = sequence.octetString();
  sequence.finish();
  return { oid, critical, value };
}

/** Reads `value` whole with `read`; errors carry `code` and name `field`. */
function readValue<T>(value: Buffer, field: string, code: X509ErrorCode, read: (reader: DerReader) => T): T {
  return readField(code, field, () => {
    const reader = new DerReader(value);
    const result = read(reader);
    reader.finish();
    return result;
  });
}

/** KeyUsage (RFC 5280 4.2.1.3): at least one bit, none unknown. */
export function readKeyUsage(value: Buffer, field: string, code: X509ErrorCode): KeyUsage[] {
  return readValue(value, field, code, (reader) => {
    const usages = reader.namedBits().map((bit) => keyUsages[bit]);
    if (usages.length === 0) throw new DerError('No usage is set', 0);
    return usages.map((usage) => {
      if (usage === undefined) throw new DerError('A usage bit is not known', 0);
      return usage;
    });
  });
}

/** KeyUsage of a certificate that exists: bits that are not known mean nothing, but one has to be set (as OpenSSL has it). */
export function readExistingKeyUsage(value: Buffer, field: string, code: X509ErrorCode): KeyUsage[] {
  return readValue(value, field, code, (reader) => {
    const bits = reader.namedBits();
    if (bits.length === 0) throw new DerError('No usage is set', 0);
    return bits.flatMap((bit) => keyUsages[bit] ?? []);
  });
}

/** BasicConstraints of a certificate that exists: a path length without CA:TRUE means nothing. */
export function readExistingBasicConstraints(
  value: Buffer,
  field: string,
  code: X509ErrorCode,
): BasicConstraints {
  return readValue(value, field, code, (reader) => {
    const sequence = reader.sequence();
    const ca = sequence.peek() === tag.boolean && sequence.boolean();
    const pathLength = sequence.atEnd ? undefined : sequence.smallInteger();
    sequence.finish();
    return pathLength === undefined || !ca ? { ca } : { ca, pathLength };
  });
}

/** NetscapeCertType: whether it is one for TLS clients (bit 0). */
export function readNetscapeClient(value: Buffer, field: string, code: X509ErrorCode): boolean {
  return readValue(value, field, code, (reader) => reader.namedBits().includes(0));
}

/** ExtendedKeyUsage (RFC 5280 4.2.1.12): OIDs, at least one. */
export function readExtendedKeyUsage(value: Buffer, field: string, code: X509ErrorCode): string[] {
  return readValue(value, field, code, (reader) => {
    const list = reader.sequence();
    const oids: string[] = [];
    do {
      oids.push(list.oid());
    } while (!list.atEnd);
    return oids;
  });
}

/** BasicConstraints (RFC 5280 4.2.1.9): a path length only with CA:TRUE. */
export function readBasicConstraints(value: Buffer, field: string, code: X509ErrorCode): BasicConstraints {
  return readValue(value, field, code, (reader) => {
    const sequence = reader.sequence();
    const ca = sequence.peek() === tag.boolean && sequence.boolean();
    const pathLength = sequence.atEnd ? undefined : sequence.smallInteger();
    sequence.finish();
    if (pathLength === undefined) return { ca };
    if (!ca) throw new DerError('A path length stands without CA:TRUE', 0);
    return { ca, pathLength };
  });
}

export function readSubjectKeyIdentifier(value: Buffer, field: string, code: X509ErrorCode): Buffer {
  return readValue(value, field, code, (reader) => reader.octetString());
}

/** The keyIdentifier of AuthorityKeyIdentifier; undefined where issuer and serial stand alone. */
export function readAuthorityKeyIdentifier(
  value: Buffer,
  field: string,
  code: X509ErrorCode,
): Buffer | undefined {
  return readValue(value, field, code, (reader) => {
    const sequence = reader.sequence();
    const present = sequence.peek() === contextPrimitive(0);
    return present ? sequence.content(contextPrimitive(0)) : undefined;
  });
}
