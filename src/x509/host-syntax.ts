/** Syntax of the text forms of general names (RFC 5280 4.2.1.6). Each function names the problem, or returns undefined. */

const MAX_HOST_LENGTH = 253;
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/**
 * dNSName: the preferred name syntax (RFC 1034 3.5, with the leading digit of RFC 1123 2.1), so no underscore and no trailing
 * dot. Single labels are names inside a cluster. A last label of digits is an address in the wrong place.
 */
export function dnsNameProblem(host: string): string | undefined {
  if (host.length > MAX_HOST_LENGTH) return 'The host name is longer than 253 characters';
  const labels = host.split('.');
  // RFC 6125 6.4.3: a wildcard is the whole leftmost label; a bare "*" would be every host there is.
  if (labels[0] === '*' && labels.length > 1) labels.shift();
  if (!labels.every((label) => LABEL.test(label))) {
    return `The host name "${host}" has a label that is not 1 to 63 letters, digits and inner hyphens`;
  }
  if (/^\d+$/.test(labels.at(-1) ?? ''))
    return `The host name "${host}" ends in a number, as an address does`;
  return undefined;
}

/** rfc822Name: Local-part "@" Domain (RFC 2821 4.1.2), the local part as a dot-atom: no quotes, no comment, no display name. */
export function emailProblem(mailbox: string): string | undefined {
  const [local = '', domain = '', ...more] = mailbox.split('@');
  if (more.length > 0 || domain === '') return 'The e-mail address does not have one "@"';
  if (local.length > 64 || !/^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/.test(local)) {
    return 'The e-mail address has a malformed local part';
  }
  return domain.startsWith('*') ? 'An e-mail address has no wildcard' : dnsNameProblem(domain);
}

/** uniformResourceIdentifier: absolute, with a scheme and something behind it (RFC 3986 4.3). */
export function uriProblem(uri: string): string | undefined {
  const match = /^[A-Za-z][A-Za-z0-9+.-]*:(.+)$/.exec(uri);
  if (match === null) return 'The URI has no scheme';
  if (!/^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/.test(match[1] ?? '')) {
    return 'The URI holds a character that must be percent-encoded';
  }
  return undefined;
}
