import type { Rule, UsedRule } from '../kubernetes/access.ts';
import { type JsonObject, stringAt } from '../kubernetes/json.ts';
import { listAt } from './manifests.ts';

/** The chart's RBAC, taken apart into single rights. */

/** One verb on one kind of object, in one place. */
export type Right = string;

/**
 * The rules that are bound to the service's account, the narrowest first: where several allow a call, the narrowest is
 * what it was for.
 */
export function rulesOf(manifests: readonly JsonObject[]): Rule[] {
  const bound = manifests.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
  const rules = bound.flatMap((role) => {
    const namespace = stringAt(role, 'metadata', 'namespace');
    return listAt(role, 'rules').map((rule) => ruleIn(rule, namespace));
  });
  const breadth = ({ namespaces, resourceNames }: Rule) =>
    (namespaces === undefined ? 2 : 0) + (resourceNames === undefined ? 1 : 0);
  return rules.toSorted((a, b) => breadth(a) - breadth(b));
}

function ruleIn(rule: JsonObject, namespace: string | undefined): Rule {
  const { apiGroups, resources, verbs, resourceNames } = rule;
  return {
    apiGroups: texts(apiGroups),
    resources: texts(resources),
    verbs: texts(verbs),
    ...(resourceNames === undefined ? {} : { resourceNames: texts(resourceNames) }),
    ...(namespace === undefined ? {} : { namespaces: [namespace] }),
  };
}

/** Every single right that the rules give. */
export function rightsOf(rules: readonly Rule[]): Right[] {
  const rights = rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [''], namespaces = [''] }) =>
    apiGroups.flatMap((apiGroup) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) =>
          resourceNames.flatMap((resourceName) =>
            namespaces.map((namespace) => inWords({ apiGroup, resource, verb, resourceName, namespace })),
          ),
        ),
      ),
    ),
  );
  return [...new Set(rights)].toSorted();
}

/** Every single right that was needed. */
export function rightsUsed(used: readonly UsedRule[]): Right[] {
  return [...new Set(used.map(inWords))].toSorted();
}

function inWords(right: Omit<UsedRule, 'rule'>): Right {
  const { verb, apiGroup, resource, resourceName, namespace } = right;
  const kind = apiGroup === '' ? resource : `${resource}.${apiGroup}`;
  const name = resourceName ? ` ${resourceName}` : '';
  return `${namespace || 'everywhere'}: ${verb} ${kind}${name}`;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
