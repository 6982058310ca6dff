import type { Authority } from '../authority/authority.ts';
import { Fault } from '../fault.ts';
import type { Profile } from './profile.ts';

const shortestSeconds = 60;

/** notBefore and notAfter, both inclusive, in whole seconds (RFC 5280 4.1.2.5). */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * The validity of a certificate: what was asked or the profile's default, from now, never outliving the authority,
 * and back-dated so that a verifier whose clock is a little slow takes it.
 * @throws Fault validity-not-allowed when more was asked than the profile allows; key-unavailable when the
 * authority's own time is over
 */
export function decideValidity(
  askedSeconds: number | undefined,
  profile: Profile,
  authority: Authority,
  nowMilliseconds: number,
  backdateSeconds: number,
): Validity {
  const seconds = askedSeconds ?? profile.defaultValiditySeconds;
  if (seconds > profile.maxValiditySeconds || seconds < shortestSeconds) {
    throw new Fault(
      'validity-not-allowed',
      `The profile ${profile.name} allows a validity from ${shortestSeconds} to ${profile.maxValiditySeconds} seconds`,
      { field: 'validity' },
    );
  }
  const now = Math.floor(nowMilliseconds / 1000) * 1000;
  const issuer = authority.certificate;
  if (now >= issuer.notAfter.getTime()) {
    throw new Fault('key-unavailable', `The certificate of the authority ${authority.name} has expired`);
  }
  return {
    notBefore: new Date(Math.max(now - backdateSeconds * 1000, issuer.notBefore.getTime())),
    notAfter: new Date(Math.min(now + seconds * 1000, issuer.notAfter.getTime())),
  };
}
