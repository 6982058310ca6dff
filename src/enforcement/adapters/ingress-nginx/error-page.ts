import type { FaultReason } from '../../../fault.ts';

/** `redirectRegex` of ingress-nginx 1.15, `internal/ingress/annotations/authtls/main.go`; a mismatch drops the whole Ingress. */
const accepted = /^(@[A-Za-z0-9_-]+|((https?:\/\/)?[A-Za-z0-9\-.]+(:\d+)?)?(\/[A-Za-z0-9\-_.]+)*\/?)$/;

export interface ErrorPageCheck {
  readonly reasons: readonly FaultReason[];
  readonly warnings: readonly FaultReason[];
}

/** Checks where clients without a valid certificate are to be sent. */
export function checkErrorPage(errorPage: string, hosts: readonly string[]): ErrorPageCheck {
  const isUrl = /^https?:\/\//.test(errorPage);
  // The controller takes a port of any length, of which no client can make a URL.
  const readable = isUrl ? URL.canParse(errorPage) : /^[@/]/.test(errorPage);
  if (!readable || !accepted.test(errorPage)) {
    const detail =
      'errorPage must be an http(s) URL without query, a local path or @name, of letters, digits, - _ . and / only.';
    return refuse('error-page-invalid', detail);
  }
  if (errorPage.startsWith('@')) {
    const detail = `${errorPage} must be a named location of the host; if it is not, refused clients get 500.`;
    return warn('error-page-named', detail);
  }
  if (errorPage.startsWith('/')) {
    // error_page redirects internally, and the certificate is not asked for again.
    const detail = `${errorPage} is served on these hosts without a certificate, to whoever is refused elsewhere.`;
    return warn('error-page-open', detail);
  }
  const host = new URL(errorPage).hostname.toLowerCase();
  if (hosts.includes(host)) {
    return refuse(
      'error-page-loop',
      `${errorPage} lies on ${host}, which would refuse the client again, without end.`,
    );
  }
  return { reasons: [], warnings: [] };
}

function refuse(code: string, detail: string): ErrorPageCheck {
  return { reasons: [{ code, detail }], warnings: [] };
}

function warn(code: string, detail: string): ErrorPageCheck {
  return { reasons: [], warnings: [{ code, detail }] };
}
