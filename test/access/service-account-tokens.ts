import { randomBytes } from 'node:crypto';

/** A JWT of these claims with a signature that nobody made: what a stranger can send, too. */
export function unsignedToken(claims: object, header: object = { alg: 'RS256', kid: 'k' }): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.${randomBytes(256).toString('base64url')}`;
}

/** Claims as the API server makes them for `kubectl create token`. */
export function claimsOf(namespace: string, name: string, more: object = {}): object {
  const now = Date.UTC(2026, 10, 23, 12) / 1000;
  return {
    aud: ['internal-ca'],
    exp: now + 3_600,
    iat: now,
    iss: 'https://kubernetes.default.svc.cluster.local',
    jti: 'f1f4ddf8-9fc9-4b3c-9a3c-2a4c1d8a6a1e',
    'kubernetes.io': { namespace, serviceaccount: { name, uid: 'cf9e4f0f-4a25-4e1b-bf1a-5a8f0b0a0f9b' } },
    nbf: now,
    sub: `system:serviceaccount:${namespace}:${name}`,
    ...more,
  };
}
