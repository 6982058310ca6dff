import { Fault } from '../fault.ts';
import type { Signer } from '../keys/signer.ts';
import type { Certificate } from '../x509/certificate.ts';

/** A certification authority that can sign now. */
export interface Authority {
  /** DNS label; stands in URLs and rows. */
  readonly name: string;
  readonly certificate: Certificate;
  /** The CAs above, next issuer first and the self-signed root last; empty when this CA is the root. */
  readonly chain: readonly Certificate[];
  readonly signer: Signer;
}

/** The authorities of this service. */
export interface AuthorityRegistry {
  /** The one that signs when a request names none. */
  readonly default: Authority;
  /** @throws Fault authority-not-found */
  get(name: string): Authority;
  list(): readonly Authority[];
}

/** @param authorities at least one; the first is the default */
export function createAuthorityRegistry(
  authorities: readonly [Authority, ...Authority[]],
): AuthorityRegistry {
  const byName = new Map(authorities.map((authority) => [authority.name, authority]));
  return {
    default: authorities[0],
    get(name) {
      const authority = byName.get(name);
      if (authority === undefined)
        throw new Fault('authority-not-found', `There is no authority named ${name}`);
      return authority;
    },
    list: () => authorities,
  };
}
