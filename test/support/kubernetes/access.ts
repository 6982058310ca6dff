import { randomBytes } from 'node:crypto';
import { forbidden, type Named, unauthorized } from './status.ts';

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
  readonly type: Named;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** What a rule was needed for: it was the first that allowed this. */
export interface UsedRule {
  readonly rule: Rule;
  readonly apiGroup: string;
  readonly resource: string;
  readonly verb: string;
  /** Absent where the rule names no objects. */
  readonly resourceName?: string;
  /** Absent where the rule is bound in the whole cluster. */
  readonly namespace?: string;
}

export interface Access {
  /** A bearer token that these rules apply to; without rules it may do everything. */
  tokenFor(rules?: readonly Rule[], user?: string): string;
  /** The token is not accepted any longer. */
  revoke(token: string): void;
  /** Each use of a rule of this token once. */
  usedRules(token: string): UsedRule[];
  /** The user of an Authorization header. Throws 401. */
  authenticate(header: string | undefined): Identity;
}

export interface Identity {
  readonly user: string;
  allows(attributes: Attributes): boolean;
  /** The rule that allows it; undefined for who may do everything. Throws 403. */
  authorize(attributes: Attributes): Rule | undefined;
}

export function createAccess(): Access {
  const identities = new Map<string, Identity>();
  const used = new Map<string, Map<string, UsedRule>>();
  return {
    tokenFor(rules, user = 'system:serviceaccount:internal-ca:internal-ca') {
      const token = randomBytes(24).toString('base64url');
      const uses = new Map<string, UsedRule>();
      used.set(token, uses);
      const ruleFor = (attributes: Attributes) => {
        const rule = rules?.find((candidate) => allows(candidate, attributes));
        if (rule !== undefined) {
          const use = useOf(rule, attributes);
          uses.set(JSON.stringify([rules?.indexOf(rule), use]), use);
        }
        return rule;
      };
      identities.set(token, {
        user,
        allows: (attributes) => rules === undefined || ruleFor(attributes) !== undefined,
        authorize(attributes) {
          const rule = ruleFor(attributes);
          if (rule !== undefined || rules === undefined) return rule;
          const { type, ...asked } = attributes;
          throw forbidden(type, { user, ...asked });
        },
      });
      return token;
    },
    revoke: (token) => void identities.delete(token),
    usedRules: (token) => [...(used.get(token)?.values() ?? [])],
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

function useOf(rule: Rule, { verb, type, namespace, name }: Attributes): UsedRule {
  return {
    rule,
    apiGroup: type.group,
    resource: type.plural,
    verb,
    ...(rule.resourceNames === undefined || name === undefined ? {} : { resourceName: name }),
    ...(rule.namespaces === undefined || namespace === undefined ? {} : { namespace }),
  };
}
