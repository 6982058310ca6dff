import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { contextConstructed, contextPrimitive } from '../encoding/tag.ts';
import { readField } from './der-field.ts';
import type { Extension } from './extension-reader.ts';
import { extensionOid } from './extensions.ts';
import { readGeneralNames } from './general-name.ts';

const CODE = 'crl-malformed';

/** What makes a CRL less than the whole list of its issuer, and where the rest is. */
export interface PartialCrl {
  /** A delta: what has changed since the complete CRL with this number (RFC 5280 5.2.4). */
  readonly deltaBase?: bigint;
  /** It is for some of the issuer's certificates only (RFC 5280 5.2.5). */
  readonly scope?: CrlScope;
  /** Where its delta is (RFC 5280 5.2.6). */
  readonly freshestCrl?: readonly string[];
}

export interface CrlScope {
  /** URIs of the distribution point; none: every one. */
  readonly distributionPoint: readonly string[];
  readonly only?: 'userCertificates' | 'caCertificates';
}

/** Reads the three of them. Throws `DerError`, or `X509Error` crl-malformed. */
export function readPartialExtensions(extensions: readonly Extension[]): PartialCrl {
  const find = (wanted: string): Buffer | undefined => extensions.find(({ oid }) => oid === wanted)?.value;
  const base = find(extensionOid.deltaCrlIndicator);
  const scope = find(extensionOid.issuingDistributionPoint);
  const freshest = find(extensionOid.freshestCrl);
  return {
    ...(base && { deltaBase: readCrlNumber(base) }),
    ...(scope && {
      scope: readField(CODE, 'crl.extensions.issuingDistributionPoint', () => readScope(scope)),
    }),
    ...(freshest && {
      freshestCrl: readField(CODE, 'crl.extensions.freshestCrl', () => readDistributionPoints(freshest)),
    }),
  };
}

/** The content of a CRLNumber, or of a deltaCRLIndicator, which is one too. Throws `DerError`. */
export function readCrlNumber(value: Buffer): bigint {
  const reader = new DerReader(value);
  const magnitude = reader.unsignedInteger();
  reader.finish();
  return BigInt(`0x${magnitude.toString('hex')}`);
}

const distributionPoint = contextConstructed(0);
const onlyContains = new Map([
  [contextPrimitive(1), 'userCertificates'],
  [contextPrimitive(2), 'caCertificates'],
] as const);

/** Of what it may hold, onlySomeReasons, indirectCRL and attribute certificates are not supported. */
function readScope(value: Buffer): CrlScope {
  const outer = new DerReader(value);
  const sequence = outer.sequence();
  outer.finish();
  const names =
    sequence.peek() === distributionPoint ? readFullName(sequence.constructed(distributionPoint)) : [];
  if (sequence.atEnd) return { distributionPoint: names };
  const identifier = sequence.peek() ?? 0;
  const only = onlyContains.get(identifier);
  if (only === undefined) throw new DerError('The scope is not supported', 0);
  // DEFAULT FALSE, so what is there is TRUE (X.690 11.5).
  if (!sequence.content(identifier).equals(Buffer.of(0xff))) throw new DerError('A BOOLEAN is not TRUE', 0);
  sequence.finish();
  return { distributionPoint: names, only };
}

function readDistributionPoints(value: Buffer): string[] {
  const outer = new DerReader(value);
  const list = outer.sequence();
  outer.finish();
  const names: string[] = [];
  do {
    const point = list.sequence();
    names.push(...readFullName(point.constructed(distributionPoint)));
    point.finish();
  } while (!list.atEnd);
  return names;
}

/** DistributionPointName as a fullName, which is GeneralNames under an IMPLICIT tag; its URIs. */
function readFullName(name: DerReader): string[] {
  const generalNames = Buffer.from(name.element(contextConstructed(0)));
  name.finish();
  generalNames[0] = 0x30;
  return readGeneralNames(generalNames, 'crl.extensions.distributionPoint', CODE)
    .filter(({ kind }) => kind === 'uri')
    .map(({ value }) => value);
}
