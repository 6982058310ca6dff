import type { FaultReason } from '../../../fault.ts';
import type { ConfigMap, Ingress } from '../../../kubernetes/objects.ts';
import { annotation } from './annotations.ts';
import { booleanSetting } from './controller-config.ts';
import { maxSnippet } from './limits.ts';

/** The annotations with nginx's own configuration language in them. */
export const snippetNames: readonly string[] = [
  'server-snippet',
  'configuration-snippet',
  'auth-snippet',
  'stream-snippet',
  'modsecurity-snippet',
];

/**
 * What a snippet must not say. A tenant writes the text, so both are searched for in one pass: `words` is an alternation of
 * fixed words, and `errorPages` are statuses that an `error_page` may not name before its semicolon.
 */
export interface Forbidden {
  readonly words: RegExp;
  readonly errorPages: RegExp;
}

/** Directives with which a snippet switches verification off, opens a location of its own, or forges our headers. */
export const bypassing: Forbidden = {
  words:
    /\b(?:ssl_verify_client|ssl_verify_depth|ssl_client_certificate|ssl_trusted_certificate|ssl_crl|listen|location|server_name)\b|\bssl-client-/i,
  errorPages: /\b49[567]\b/,
};

/** Of these, what is about verification itself: in a block around the servers the others are for servers of their own. */
const verifying = /\bssl_verify_(?:client|depth)\b|\bssl-client-/i;

/** Directives that decide on access beside ours, or in place of it. */
export const decidingAccess: Forbidden = {
  words:
    /\b(?:auth_request|satisfy|access_by_lua(?:_block|_file|_no_postpone)?|auth_request_set|proxy_method)\b/i,
  errorPages: /\b40[13]\b/,
};

/** An Ingress, and how messages call it. */
export interface Labelled {
  readonly ingress: Ingress;
  readonly label: string;
}

/** The snippets of an Ingress that say what they must not, unless the controller drops them all. */
export function findInSnippets(
  { ingress, label }: Labelled,
  forbidden: Forbidden,
  config: ConfigMap | undefined,
  names: readonly string[] = snippetNames,
): FaultReason[] {
  if (snippetsAreDropped(config)) return [];
  return names.flatMap((name) =>
    judgeSnippet(`${label} has a ${name}`, annotation(ingress, name), forbidden),
  );
}

/** One snippet; `has` is how the message about it begins. */
function judgeSnippet(has: string, text = '', forbidden: Forbidden): FaultReason[] {
  if (text.length > maxSnippet) {
    const detail = `${has} of ${text.length} characters; more than ${maxSnippet} are not read.`;
    return [{ code: 'snippet-too-long', detail }];
  }
  const found = findForbidden(text, forbidden);
  if (found === undefined) return [];
  return [{ code: 'snippet-interferes', detail: `${has} with "${found}".` }];
}

/**
 * The snippets of the controller's ConfigMap that say what they must not. The template writes `http-snippet` before every
 * server, `server-snippet` into each of them and `location-snippet` into each of their locations, whatever
 * `allow-snippet-annotations` is. In `http-snippet` a server may listen elsewhere; names of ours are looked for by
 * `checkOtherListeners`.
 */
export function findInControllerSnippets(config: ConfigMap | undefined, forbidden: Forbidden): FaultReason[] {
  return ['http-snippet', 'server-snippet', 'location-snippet'].flatMap((name) => {
    const words = name === 'http-snippet' && forbidden === bypassing ? verifying : forbidden.words;
    const has = `The controller's ConfigMap has a ${name}`;
    return judgeSnippet(has, config?.data?.[name], { ...forbidden, words });
  });
}

/** The first thing that a snippet must not say, in its own words. One pass, whatever the text. */
export function findForbidden(text: string, { words, errorPages }: Forbidden): string | undefined {
  const word = words.exec(text)?.[0];
  if (word !== undefined) return word;
  for (const statement of text.split(';')) {
    const start = statement.search(/\berror_page\b/i);
    const status = start === -1 ? undefined : errorPages.exec(statement.slice(start))?.[0];
    if (status !== undefined) return `error_page ${status}`;
  }
  return undefined;
}

/** True when the controller ignores every snippet annotation. */
export function snippetsAreDropped(config: ConfigMap | undefined): boolean {
  // Off by default from 1.10 on; without the ConfigMap the version's default is not known, so they count as honoured.
  return config !== undefined && booleanSetting(config, 'allow-snippet-annotations') !== true;
}
