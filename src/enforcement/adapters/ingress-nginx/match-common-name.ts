import type { FaultReason } from '../../../fault.ts';

/** `ub-common-name` of RFC 5280 appendix A.1. */
const longestCommonName = 64;

/**
 * What OpenSSL prints as it is in the RFC 2253 form that nginx matches. Everything else is printed with a backslash,
 * and quotes and braces are on the controller's recommended list of blocked words.
 */
const matchable = /^[A-Za-z0-9._@:/=()*-]([A-Za-z0-9 ._@:/=()*-]*[A-Za-z0-9._@:/=()*-])?$/;

/** A character that may stand before the comma or plus sign which ends an RDN; after a backslash it would end none. */
const endOfValue = '[A-Za-z0-9 ._@:/=()*-]';

/** Says what is wrong with a commonName to match, or undefined. */
export function checkCommonName(commonName: string): FaultReason | undefined {
  if (commonName === '*') return undefined;
  const code = 'match-common-name-invalid';
  if (commonName.length === 0 || commonName.length > longestCommonName) {
    return { code, detail: `matchCommonName must have 1 to ${longestCommonName} characters.` };
  }
  if (!matchable.test(commonName)) {
    return {
      code,
      detail:
        'matchCommonName may hold ASCII letters, digits, spaces in between and ._@:/=()*- only: other characters ' +
        "cannot be matched exactly in nginx's form of the subject.",
    };
  }
  return undefined;
}

/**
 * The value of `auth-tls-match-cn`: a regular expression that nginx searches for anywhere in the subject
 * (`O=x,CN=alice,C=DE`), so that plain `CN=alice` also lets in `CN=alice-evil` and `O=CN=alice`. The controller insists
 * on a leading `CN=` and leaves no place for an anchor before it; hence a first alternative that never matches. No
 * backslash and no quote is used, since versions of the template quote them differently. `*` is any commonName.
 */
export function commonNamePattern(commonName: string): string {
  const value = commonName === '*' ? '.+' : commonName.replace(/[.()*]/g, (character) => `[${character}]`);
  const end = commonName === '*' ? '' : '([,+]|$)';
  return `CN=^|(^|${endOfValue}[,+])CN=${value}${end}`;
}
