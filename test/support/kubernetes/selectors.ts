import { type JsonObject, objectAt, stringAt } from './json.ts';
import { badRequest } from './status.ts';

export type Selector = (object: JsonObject) => boolean;

/** `labelSelector` (equality and `in`, existence) and `fieldSelector` (metadata.name, metadata.namespace). */
export function selectorOf(query: URLSearchParams): Selector {
  const parts = [
    ...splitOutsideParentheses(query.get('labelSelector') ?? '').map(labelRequirement),
    ...splitOutsideParentheses(query.get('fieldSelector') ?? '').map(fieldRequirement),
  ];
  return (object) => parts.every((matches) => matches(object));
}

/** The name that a `fieldSelector` pins, which RBAC's resourceNames then apply to. */
export function selectedName(query: URLSearchParams): string | undefined {
  return /(?:^|,)metadata\.name=([^,]+)/.exec(query.get('fieldSelector') ?? '')?.[1];
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function labelRequirement(text: string): Selector {
  const label = (object: JsonObject, key: string) => stringAt(object, 'metadata', 'labels', key);
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (object) => values.includes(label(object, key) ?? '\0') === (operator === 'in');
  }
  const equality = /^([^=!]+?)\s*(==|=|!=)\s*(\S*)$/.exec(text);
  if (equality !== null) {
    const [, key = '', operator, value = ''] = equality;
    return (object) => (label(object, key) === value) !== (operator === '!=');
  }
  if (!/^!?[\w./-]+$/.test(text)) throw badRequest(`unable to parse requirement: ${text}`);
  if (text.startsWith('!')) return (object) => label(object, text.slice(1)) === undefined;
  return (object) => Object.hasOwn(objectAt(object, 'metadata', 'labels'), text);
}

function fieldRequirement(text: string): Selector {
  const [, key = '', operator, value = ''] = /^([a-z.]+)(=|==|!=)(.*)$/.exec(text) ?? [];
  if (key !== 'metadata.name' && key !== 'metadata.namespace')
    throw badRequest(`"${key}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
  return (object) => (stringAt(object, ...key.split('.')) === value) !== (operator === '!=');
}
