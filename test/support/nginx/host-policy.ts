import { X509Certificate } from 'node:crypto';
import type { Ingress, Secret } from '../../../src/kubernetes/objects.ts';

/** What ingress-nginx concludes for one host from all Ingresses that name it (controller.go, getBackendServers). */
export interface HostPolicy {
  /** The text of the comment above `return 403`; the whole host is refused. */
  readonly authTlsError?: string;
  readonly certificateAuth?: CertificateAuth;
}

export interface CertificateAuth {
  /** `namespace-name`, as in the controller's file names. */
  readonly fileStem: string;
  readonly caCrt: string;
  readonly caCrl?: string;
  readonly verifyClient: string;
  readonly verifyDepth: number;
  readonly errorPage?: string;
  readonly passCertificate: boolean;
  readonly matchCommonName?: string;
}

const prefix = 'nginx.ingress.kubernetes.io/';

export function annotationOf(ingress: Ingress, name: string): string | undefined {
  return ingress.metadata.annotations?.[prefix + name];
}

/** store.go, sortIngressSlice: the oldest first, and of equally old ones the later name first. */
export function inControllerOrder(ingresses: readonly Ingress[]): Ingress[] {
  const label = ({ metadata }: Ingress) => `${metadata.namespace}/${metadata.name}`;
  const time = ({ metadata }: Ingress) => Date.parse(metadata.creationTimestamp ?? '1970-01-01T00:00:00Z');
  return [...ingresses].sort((a, b) => time(a) - time(b) || (label(a) > label(b) ? -1 : 1));
}

/** The first Ingress of the host with a CA decides; one whose Secret cannot be used closes the host. */
export function policyOf(host: string, sorted: readonly Ingress[], secrets: readonly Secret[]): HostPolicy {
  let certificateAuth: CertificateAuth | undefined;
  let authTlsError: string | undefined;
  for (const ingress of sorted) {
    const named = (ingress.spec?.rules ?? []).some((rule) => rule.host === host && rule.http !== undefined);
    if (!named) continue;
    const parsed = parseAuthTls(ingress, secrets);
    if (typeof parsed === 'string') authTlsError ??= parsed;
    else certificateAuth ??= parsed;
  }
  return {
    ...(authTlsError === undefined ? {} : { authTlsError }),
    ...(certificateAuth === undefined ? {} : { certificateAuth }),
  };
}

/** annotations/authtls/main.go, Parse. A string is the reason for which the location is denied. */
function parseAuthTls(ingress: Ingress, secrets: readonly Secret[]): CertificateAuth | string | undefined {
  const reference = annotationOf(ingress, 'auth-tls-secret');
  if (reference === undefined) return undefined;
  const [namespace, name, ...rest] = reference.split('/');
  if (namespace === undefined || name === undefined || rest.length > 0)
    return 'invalid format (namespace/name)';
  if (namespace !== ingress.metadata.namespace) return 'cross namespace secrets are not supported';
  const secret = secrets.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  if (secret === undefined) return `error obtaining certificate: ${reference} was not found`;
  const caCrt = textOf(secret, 'ca.crt');
  if (caCrt === '' || !isCaFile(caCrt))
    return `error obtaining certificate: no usable ca.crt in ${reference}`;
  const caCrl = textOf(secret, 'ca.crl');
  if (caCrl !== '' && !caCrl.includes('-----BEGIN X509 CRL-----')) return 'invalid CRL';
  return {
    fileStem: `${namespace}-${name}`,
    caCrt,
    // An empty value turns revocation off (len(crl) > 0).
    ...(caCrl === '' ? {} : { caCrl }),
    ...readSettings(ingress),
  };
}

/** A mode that does not exist counts as `on`, a depth that does not as 1. */
function readSettings(ingress: Ingress): Omit<CertificateAuth, 'fileStem' | 'caCrt' | 'caCrl'> {
  const verifyClient = annotationOf(ingress, 'auth-tls-verify-client') ?? 'on';
  const errorPage = annotationOf(ingress, 'auth-tls-error-page');
  const matchCommonName = annotationOf(ingress, 'auth-tls-match-cn');
  return {
    verifyClient: /^(on|off|optional|optional_no_ca)$/.test(verifyClient) ? verifyClient : 'on',
    verifyDepth: Number.parseInt(annotationOf(ingress, 'auth-tls-verify-depth') ?? '1', 10) || 1,
    ...(errorPage === undefined ? {} : { errorPage }),
    passCertificate: annotationOf(ingress, 'auth-tls-pass-certificate-to-upstream') === 'true',
    ...(matchCommonName === undefined ? {} : { matchCommonName }),
  };
}

function textOf(secret: Secret, key: string): string {
  return Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');
}

function isCaFile(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.length > 0 && blocks.every((block) => new X509Certificate(block).ca);
  } catch {
    return false;
  }
}
