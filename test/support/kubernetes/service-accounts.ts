import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { isObject, type JsonObject, objectAt, stringAt, valueAt } from './json.ts';
import { typeOfKind } from './resources.ts';
import { badRequest, invalid, notFound } from './status.ts';
import type { Storage } from './storage.ts';

export interface ServiceAccountTokenRequest {
  readonly namespace: string;
  readonly name: string;
  readonly audiences: readonly string[];
  /** Default: ten minutes from now. */
  readonly expiresAt?: Date;
}

interface IssuedToken {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly expiresAt: number;
}

/** What an API server takes a token without audiences for. */
const ownAudience = 'https://kubernetes.default.svc';

const tokenReview = { group: 'authentication.k8s.io', plural: 'tokenreviews', kind: 'TokenReview' };

/** ServiceAccount tokens as the TokenRequest API makes them, and their TokenReview. */
export interface ServiceAccounts {
  /** A token for an account that is there. Throws 404. */
  issue(request: ServiceAccountTokenRequest): string;
  /** As when the Pod that the token is bound to is gone. */
  revoke(token: string): void;
  /** The answer to `POST serviceaccounts/<name>/token`. */
  requestToken(namespace: string, name: string, body: unknown): JsonObject;
  /** The answer to `POST tokenreviews`. */
  review(body: unknown): JsonObject;
}

export function createServiceAccounts(storage: Storage, now: () => Date): ServiceAccounts {
  // P-256 because it is made in no time; the real ones are signed with RSA.
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issued = new Map<string, IssuedToken>();
  const revoked = new Set<string>();
  const type = typeOfKind('v1', 'ServiceAccount');

  function issue({ namespace, name, audiences, expiresAt }: ServiceAccountTokenRequest): string {
    const uid = stringAt(storage.get(type, namespace, name), 'metadata', 'uid');
    if (uid === undefined) throw notFound(type, name);
    const issuedAt = now().getTime();
    const end = expiresAt?.getTime() ?? issuedAt + 600_000;
    const claims = {
      aud: audiences,
      exp: Math.floor(end / 1000),
      iat: Math.floor(issuedAt / 1000),
      iss: ownAudience,
      jti: randomUUID(),
      'kubernetes.io': { namespace, serviceaccount: { name, uid } },
      nbf: Math.floor(issuedAt / 1000),
      sub: `system:serviceaccount:${namespace}:${name}`,
    };
    const signed = `${part({ alg: 'ES256', kid: 'stand-in' })}.${part(claims)}`;
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
    const token = `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
    issued.set(token, { namespace, name, uid, audiences, expiresAt: claims.exp * 1000 });
    return token;
  }

  /** Why the token is not accepted, in the real one's words. */
  function fault(token: string, wanted: readonly string[]): string | undefined {
    const found = issued.get(token);
    if (found === undefined) return 'invalid bearer token';
    const quoted = (audiences: readonly string[]) => audiences.map((a) => `"${a}"`).join(' ');
    if (!found.audiences.some((audience) => wanted.includes(audience))) {
      return `[invalid bearer token, token audiences [${quoted(found.audiences)}] is invalid for the target audiences [${quoted(wanted)}]]`;
    }
    if (found.expiresAt <= now().getTime()) {
      return '[invalid bearer token, service account token has expired]';
    }
    const live = storage.get(type, found.namespace, found.name);
    if (live === undefined) return `[invalid bearer token, serviceaccounts "${found.name}" not found]`;
    if (revoked.has(token) || stringAt(live, 'metadata', 'uid') !== found.uid) {
      return '[invalid bearer token, service account token has been invalidated]';
    }
    return undefined;
  }

  return {
    issue,
    revoke: (token) => void revoked.add(token),
    requestToken(namespace, name, body) {
      const spec = objectAt(body, 'spec');
      const seconds = typeof spec.expirationSeconds === 'number' ? spec.expirationSeconds : 3600;
      if (seconds < 600) {
        const words = `Invalid value: ${seconds}: may not specify a duration less than 10 minutes`;
        const r = { group: 'authentication.k8s.io', plural: 'tokenrequests', kind: 'TokenRequest' };
        throw invalid(r, '', 'spec.expirationSeconds', words);
      }
      const expiresAt = new Date(now().getTime() + seconds * 1000);
      const audiences = strings(spec.audiences, [ownAudience]);
      const token = issue({ namespace, name, audiences, expiresAt });
      return {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: { name, namespace },
        spec: { audiences, expirationSeconds: seconds, boundObjectRef: null },
        status: { token, expirationTimestamp: expiresAt.toISOString().replace(/\.\d+Z$/, 'Z') },
      };
    },
    review(body) {
      const token = stringAt(body, 'spec', 'token') ?? '';
      if (token === '') throw badRequest('token is required for TokenReview in authentication');
      const wanted = strings(valueAt(body, ['spec', 'audiences']), [ownAudience]);
      const error = fault(token, wanted);
      const found = issued.get(token);
      const status =
        error !== undefined || found === undefined
          ? { user: {}, error }
          : {
              authenticated: true,
              user: {
                username: `system:serviceaccount:${found.namespace}:${found.name}`,
                uid: found.uid,
                groups: [
                  'system:serviceaccounts',
                  `system:serviceaccounts:${found.namespace}`,
                  'system:authenticated',
                ],
              },
              audiences: wanted.filter((audience) => found.audiences.includes(audience)),
            };
      return {
        kind: tokenReview.kind,
        apiVersion: 'authentication.k8s.io/v1',
        metadata: {},
        spec: isObject(body) ? body.spec : {},
        status,
      };
    },
  };
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function strings(value: unknown, otherwise: readonly string[]): readonly string[] {
  const found = Array.isArray(value) ? value.map(String) : [];
  return found.length === 0 ? otherwise : found;
}
