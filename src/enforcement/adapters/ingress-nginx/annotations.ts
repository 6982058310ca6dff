import type { Ingress } from '../../../kubernetes/objects.ts';
import type { VerificationSettings } from '../../verification.ts';
import { commonNamePattern } from './match-common-name.ts';

const prefix = 'nginx.ingress.kubernetes.io/';

/** The full names of the annotations that we write. */
export const annotationNames = {
  secret: `${prefix}auth-tls-secret`,
  verifyClient: `${prefix}auth-tls-verify-client`,
  verifyDepth: `${prefix}auth-tls-verify-depth`,
  errorPage: `${prefix}auth-tls-error-page`,
  passCertificate: `${prefix}auth-tls-pass-certificate-to-upstream`,
  matchCommonName: `${prefix}auth-tls-match-cn`,
  forceSslRedirect: `${prefix}force-ssl-redirect`,
  authUrl: `${prefix}auth-url`,
  authResponseHeaders: `${prefix}auth-response-headers`,
} as const;

/** The value of an annotation by its name without the prefix. */
export function annotation(ingress: Ingress, name: string): string | undefined {
  return ingress.metadata.annotations?.[prefix + name];
}

/** As the controller reads it (Go's ParseBool); undefined when absent or not a boolean. */
export function booleanAnnotation(ingress: Ingress, name: string): boolean | undefined {
  return parseBool(annotation(ingress, name));
}

/** Go's strconv.ParseBool; undefined for anything else. */
export function parseBool(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false;
  return undefined;
}

/** Names of another prefix that show that the controller runs with `--annotations-prefix`. */
export function foreignPrefixes(ingress: Ingress): string[] {
  return Object.keys(ingress.metadata.annotations ?? {}).filter(
    (key) => /\/auth-tls-(secret|verify-client)$/.test(key) && !key.startsWith(prefix),
  );
}

/**
 * Exactly what has to stand on the Ingress. The Secret is written in mode `off`, too: only a host with a CA overwrites
 * the `ssl-client-*` headers, which a client could otherwise forge towards the upstream (ingress-nginx #8299).
 */
export function annotationsFor(
  namespace: string,
  secretName: string,
  intermediates: number,
  settings: VerificationSettings,
): Record<string, string> {
  const names = annotationNames;
  const always = {
    [names.secret]: `${namespace}/${secretName}`,
    [names.verifyClient]: settings.mode,
  };
  if (settings.mode === 'off') return always;
  return {
    ...always,
    // OpenSSL counts intermediates; the controller reads 0 as 1.
    [names.verifyDepth]: String(Math.max(1, intermediates)),
    [names.passCertificate]: String(settings.passCertificate),
    // The same server block listens on port 80, where no certificate is ever asked for.
    [names.forceSslRedirect]: 'true',
    ...(settings.errorPage === undefined ? {} : { [names.errorPage]: settings.errorPage }),
    ...(settings.matchCommonName === undefined
      ? {}
      : { [names.matchCommonName]: commonNamePattern(settings.matchCommonName) }),
  };
}
