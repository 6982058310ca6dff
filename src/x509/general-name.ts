import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { sequence, tlv } from '../encoding/der-writer.ts';
import { decodeOid } from '../encoding/oid.ts';
import { contextConstructed, contextPrimitive } from '../encoding/tag.ts';
import { readField } from './der-field.ts';
import { dnsNameProblem, emailProblem, uriProblem } from './host-syntax.ts';
import { formatIpAddress, parseIpAddress } from './ip-address.ts';
import { formatName, readExistingName, readName } from './name.ts';
import { X509Error, type X509ErrorCode } from './x509-error.ts';

export type GeneralNameKind =
  | 'dns'
  | 'email'
  | 'uri'
  | 'ip'
  | 'directoryName'
  | 'otherName'
  | 'x400Address'
  | 'ediPartyName'
  | 'registeredID';

/** A GeneralName (RFC 5280 4.2.1.6). `value` is text: a host, an address, a URI, RFC 4514, "<oid>;<hex>", a dotted OID, or hex. */
export interface GeneralName {
  readonly kind: GeneralNameKind;
  readonly value: string;
  /** The whole element with its context tag. */
  readonly der: Buffer;
}

interface Choice {
  readonly kind: GeneralNameKind;
  readonly read: (content: Buffer, field: string, code: X509ErrorCode) => string;
}

/** The alternatives by their identifier octet. x400Address and ediPartyName are in no use: named, so that a profile can refuse them. */
const choices: ReadonlyMap<number, Choice> = new Map<number, Choice>([
  [contextConstructed(0), { kind: 'otherName', read: readOtherName }],
  [contextPrimitive(1), { kind: 'email', read: (content) => ia5(content, emailProblem) }],
  [contextPrimitive(2), { kind: 'dns', read: (content) => ia5(content, dnsNameProblem) }],
  [contextConstructed(3), { kind: 'x400Address', read: (content) => content.toString('hex') }],
  // directoryName is EXPLICIT, since Name is a CHOICE (X.680 31.2.7).
  [
    contextConstructed(4),
    { kind: 'directoryName', read: (content, field, code) => formatName(readName(content, field, code)) },
  ],
  [contextConstructed(5), { kind: 'ediPartyName', read: (content) => content.toString('hex') }],
  [contextPrimitive(6), { kind: 'uri', read: (content) => ia5(content, uriProblem) }],
  [contextPrimitive(7), { kind: 'ip', read: formatIpAddress }],
  [contextPrimitive(8), { kind: 'registeredID', read: decodeOid }],
]);

/**
 * Reads GeneralNames: at least one, each well formed for its kind. dNSName: LDH labels, at most 253 octets, single labels
 * allowed, a wildcard only as the whole leftmost label (see `isWildcard`). Throws `X509Error` (`code`, field `<field>[i]`).
 */
export function readGeneralNames(
  der: Uint8Array,
  field = 'generalNames',
  code: X509ErrorCode = 'san-malformed',
): GeneralName[] {
  return readField(code, field, () => {
    const outer = new DerReader(der);
    const list = outer.sequence();
    outer.finish();
    const names: GeneralName[] = [];
    do {
      names.push(readGeneralName(list, `${field}[${names.length}]`, code));
    } while (!list.atEnd);
    return names;
  });
}

function readGeneralName(list: DerReader, field: string, code: X509ErrorCode): GeneralName {
  return readField(code, field, () => {
    const identifier = list.peek() ?? 0;
    const choice = choices.get(identifier);
    const element = list.element();
    if (choice === undefined) throw new DerError('No kind of general name has this tag', 0);
    const content = new DerReader(element).content(identifier);
    return { kind: choice.kind, value: choice.read(content, field, code), der: element };
  });
}

/**
 * Reads the subjectAltName of a certificate that exists as OpenSSL reads it: texts whatever they say (one octet a character),
 * none at all, addresses of any length. Throws `X509Error` (`code`, `field`) on what is not GeneralNames.
 */
export function readExistingGeneralNames(der: Uint8Array, field: string, code: X509ErrorCode): GeneralName[] {
  return readField(code, field, () => {
    const outer = new DerReader(der);
    const list = outer.sequence();
    outer.finish();
    const names: GeneralName[] = [];
    while (!list.atEnd) {
      const identifier = list.peek() ?? 0;
      const kind = choices.get(identifier)?.kind;
      const element = list.element();
      if (kind === undefined) throw new DerError('No kind of general name has this tag', 0);
      const content = new DerReader(element).content(identifier);
      names.push({ kind, value: existingValue(kind, content, field, code), der: element });
    }
    return names;
  });
}

function existingValue(kind: GeneralNameKind, content: Buffer, field: string, code: X509ErrorCode): string {
  switch (kind) {
    case 'dns':
    case 'email':
    case 'uri':
      return content.toString('latin1');
    case 'ip':
      return content.length === 4 || content.length === 16
        ? formatIpAddress(content)
        : content.toString('hex');
    case 'directoryName':
      return formatName(readExistingName(content, field, code));
    case 'otherName':
      return readOtherName(content);
    case 'registeredID':
      return decodeOid(content);
    default:
      return content.toString('hex');
  }
}

/** The text of an IA5String: printable ASCII without NUL or blanks, and without the problem that `find` names. */
function ia5(content: Buffer, find: (text: string) => string | undefined): string {
  const text = content.toString('latin1');
  if (text === '') throw new DerError('The name is empty', 0);
  if (!/^[\x21-\x7e]*$/.test(text))
    throw new DerError('The name holds a byte that is not printable ASCII', 0);
  const problem = find(text);
  if (problem !== undefined) throw new DerError(problem, 0);
  return text;
}

function readOtherName(content: Buffer): string {
  const reader = new DerReader(content);
  const type = reader.oid();
  const explicit = reader.constructed(contextConstructed(0));
  const value = explicit.element();
  explicit.finish();
  reader.finish();
  return `${type};${value.toString('hex')}`;
}

/** 'dns:a.example' (lower case), 'ip:10.0.0.1', 'email:…', 'uri:…', otherwise '<kind>:<value>'. */
export function formatGeneralName(name: GeneralName): string {
  // Host names compare without case (RFC 4343); everything else is as it was written.
  return `${name.kind}:${name.kind === 'dns' ? name.value.toLowerCase() : name.value}`;
}

/** A dNSName whose leftmost label is "*". */
export function isWildcard(name: GeneralName): boolean {
  return name.kind === 'dns' && name.value.startsWith('*.');
}

const textTags = { email: contextPrimitive(1), dns: contextPrimitive(2), uri: contextPrimitive(6) } as const;

/** Makes a GeneralName from text. Throws `X509Error` san-malformed. */
export function generalName(kind: 'dns' | 'email' | 'uri' | 'ip', value: string): GeneralName {
  const content = kind === 'ip' ? parseIpAddress(value) : Buffer.from(value, 'utf8');
  if (content === undefined) {
    throw new X509Error('san-malformed', `${kind}: "${value}" is not an IP address`, kind);
  }
  const der = tlv(kind === 'ip' ? contextPrimitive(7) : textTags[kind], content);
  return readGeneralName(new DerReader(der), kind, 'san-malformed');
}

/** GeneralNames DER, as `fillTemplate` takes it. Throws `RangeError` when there is none (SIZE (1..MAX)). */
export function encodeGeneralNames(names: readonly GeneralName[]): Buffer {
  if (names.length === 0) throw new RangeError('GeneralNames holds at least one name');
  return sequence(...names.map(({ der }) => der));
}
