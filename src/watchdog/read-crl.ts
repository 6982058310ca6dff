import { setImmediate } from 'node:timers/promises';
import type { Authority } from '../authority/authority.ts';
import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { tag } from '../encoding/tag.ts';
import { isSigned } from '../revocation/check-crl.ts';
import { type CertificateRevocationList, readCrl } from '../x509/crl.ts';
import { readSigned } from '../x509/signed-reader.ts';
import { X509Error } from '../x509/x509-error.ts';

/** As much of an authority as tells its CRLs from others: it cannot sign. */
export interface WatchedAuthority extends Pick<Authority, 'name' | 'certificate' | 'chain'> {
  readonly algorithm: Authority['signer']['algorithm'];
}

/** What a CRL says of itself; taken from its octets, whose signature was checked. */
export interface CrlReading {
  readonly authority: string;
  readonly number: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

/** What is published there is not what we publish. The message says why, and never repeats what was found. */
export class BrokenContent extends Error {
  override readonly name = 'BrokenContent';
}

/** In octets. */
const mostBesideEntries = 64 * 1024;
/** version, signature, issuer, thisUpdate, nextUpdate (RFC 5280 5.1). */
const fieldsBeforeEntries = 5;

/** Which CRL is to be there: the whole list, as every Secret must have it; what has changed since an older one; or a part. */
export type PublishedForm = 'complete' | 'delta' | PublishedPart;

export interface PublishedPart {
  /** The address that certificates name, and so the part (RFC 5280 5.2.5); it may be read elsewhere. */
  readonly distributionPoint: string;
  /** @throws BrokenContent when it does not list what a part that is there has to */
  checkEntries(part: Pick<CertificateRevocationList, 'crlNumber' | 'revoked'>): Promise<void>;
}

/**
 * Reads a CRL as a relying party does, without trusting where it came from. A megabyte takes some milliseconds of the event loop
 * and forty no longer at a time.
 * @throws BrokenContent
 */
export async function readPublishedCrl(
  der: Buffer,
  authorities: readonly WatchedAuthority[],
  form: PublishedForm,
): Promise<CrlReading> {
  const crl = parse(der, form);
  // One issuer may stand for several keys, so the signature decides.
  const named = authorities.filter(({ certificate }) => certificate.subject.der.equals(crl.issuer.der));
  if (named.length === 0) throw new BrokenContent('the CRL is of another issuer');
  await setImmediate();
  for (const authority of named) {
    if (!crl.signatureAlgorithm.equals(authority.algorithm.der)) continue;
    const facts = { publicKey: authority.certificate.publicKey, algorithm: authority.algorithm };
    if (!(await isSigned(facts, [crl.tbs], crl.signature))) continue;
    if (typeof form === 'object') await form.checkEntries(crl);
    const { crlNumber: number, thisUpdate, nextUpdate } = crl;
    return { authority: authority.name, number, thisUpdate, nextUpdate };
  }
  throw new BrokenContent('the CRL is not signed by the key of the CA certificate');
}

function parse(der: Buffer, form: PublishedForm): CertificateRevocationList {
  try {
    refuseBloated(der);
    const crl = readCrl(der, { partial: form !== 'complete' });
    if (form === 'delta' && (crl.deltaBase === undefined || crl.scope !== undefined))
      throw new BrokenContent('it is no delta CRL');
    if (typeof form === 'object') refuseOtherScope(crl, form.distributionPoint);
    return crl;
  } catch (error) {
    // Their messages name fields and places, not contents.
    if (error instanceof X509Error || error instanceof DerError)
      throw new BrokenContent(`it cannot be read as a CRL (${error.message})`);
    throw error;
  }
}

/**
 * Beside its entries a CRL of ours has some hundred octets. To take apart as many megabytes of a name takes seconds in one piece, and
 * nobody has looked at the signature yet: it may be anybody's, where an address is one of plain HTTP.
 */
function refuseBloated(der: Buffer): void {
  const tbs = new DerReader(readSigned(der).tbs).sequence();
  for (let field = 0; field < fieldsBeforeEntries; field += 1) tbs.element();
  const entries = tbs.peek() === tag.sequence ? tbs.content(tag.sequence).length : 0;
  if (der.length - entries > mostBesideEntries)
    throw new BrokenContent('it has more beside its entries than a CRL of ours');
}

/** Whoever has a certificate takes only the part whose scope is the one address that the certificate names, of every kind. */
function refuseOtherScope({ deltaBase, scope }: CertificateRevocationList, distributionPoint: string): void {
  if (deltaBase !== undefined || scope === undefined) throw new BrokenContent('it is no part of a CRL');
  const [address, ...others] = scope.distributionPoint;
  if (address !== distributionPoint || others.length > 0 || scope.only !== undefined)
    throw new BrokenContent(`its IssuingDistributionPoint is not ${distributionPoint} alone`);
}
