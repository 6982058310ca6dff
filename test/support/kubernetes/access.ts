import { randomBytes } from 'node:crypto';
import type { ResourceType } from './resources.ts';
import { forbidden, unauthorized } from './status.ts';

/** A rule of RBAC, with the namespaces it is bound in (absent: the whole cluster). */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly namespaces?: readonly string[];
}

export interface Attributes {
  readonly verb: string;
  readonly type: ResourceType;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

export interface Access {
  /** A bearer token that these rules apply to; without rules it may do everything. */
  tokenFor(rules?: readonly Rule[], user?: string): string;
  /** The token is not accepted any longer. */
  revoke(token: string): void;
  /** The user of an Authorization header. Throws 401. */
  authenticate(header: string | undefined): Identity;
}

export interface Identity {
  readonly user: string;
  /** Throws 403. */
  authorize(attributes: Attributes): void;
}

export function createAccess(): Access {
  const identities = new Map<string, Identity>();
  return {
    tokenFor(rules, user = 'system:serviceaccount:internal-ca:internal-ca') {
      const token = randomBytes(24).toString('base64url');
      identities.set(token, {
        user,
        authorize(attributes) {
          if (rules === undefined || rules.some((rule) => allows(rule, attributes))) return;
          const { verb, namespace, name } = attributes;
          throw forbidden(attributes.type, { user, verb, namespace, name });
        },
      });
      return token;
    },
    revoke: (token) => void identities.delete(token),
    authenticate(header) {
      const token = /^Bearer (.+)$/.exec(header ?? '')?.[1];
      const identity = token === undefined ? undefined : identities.get(token);
      if (identity === undefined) throw unauthorized();
      return identity;
    },
  };
}

function allows(rule: Rule, { verb, type, namespace, name }: Attributes): boolean {
  const has = (list: readonly string[], value: string) => list.includes('*') || list.includes(value);
  const named = rule.resourceNames === undefined || (name !== undefined && rule.resourceNames.includes(name));
  const there =
    rule.namespaces === undefined || (namespace !== undefined && rule.namespaces.includes(namespace));
  return (
    has(rule.apiGroups, type.group) &&
    has(rule.resources, type.plural) &&
    has(rule.verbs, verb) &&
    named &&
    there
  );
}
