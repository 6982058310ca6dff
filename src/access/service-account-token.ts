import type { ClusterIdentity } from './service-account-grants.ts';

/** What a service account token claims. None of it is proven: only the API server can check the signature. */
export interface TokenClaims extends ClusterIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly audiences: readonly string[];
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

const part = '[A-Za-z0-9_-]{1,8192}';
const form = new RegExp(`^${part}\\.(${part})\\.${part}$`);
const subjectForm =
  /^system:serviceaccount:([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?):([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)$/;

/**
 * Reads the claims of a token of the kind that the kubelet mounts and `kubectl create token` makes (a JWT, RFC 7519,
 * bound to an audience and with an end). Undefined for whatever else it is, the old tokens without an end included.
 */
export function readServiceAccountToken(token: string): TokenClaims | undefined {
  const payload = form.exec(token)?.[1];
  const claims = payload === undefined ? undefined : parseObject(payload);
  if (claims === undefined) return undefined;
  const { sub, aud, exp } = claims;
  const [, namespace, , name] = typeof sub === 'string' ? (subjectForm.exec(sub) ?? []) : [];
  if (typeof sub !== 'string' || namespace === undefined || name === undefined) return undefined;
  if (typeof exp !== 'number') return undefined;
  const audiences = [aud].flat().filter((one) => typeof one === 'string');
  return { username: sub, groups: groupsOf(namespace), namespace, name, audiences, expiresAt: exp };
}

/** The groups that the API server puts every service account of a namespace in. */
function groupsOf(namespace: string): string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
}

function parseObject(base64url: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
