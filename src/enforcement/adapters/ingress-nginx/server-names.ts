import type { ConfigMap, Ingress } from '../../../kubernetes/objects.ts';
import { annotation } from './annotations.ts';
import { quoted } from './limits.ts';

/** Characters of a DNS name (RFC 1035 2.3.4); a longer exact one is no host, but a regular expression may be one. */
const longestName = 253;

/** A name that an Ingress gives its server block beside the hosts of its rules. */
export interface ServerName {
  /** As it is written: the controller compares aliases by their exact text, nginx by lower case. */
  readonly text: string;
  readonly from: 'server-alias' | 'server-snippet' | 'http-snippet';
  /** The one host that it names, in lower case. Of a pattern there is none, but `.a.example` names `a.example`, too. */
  readonly exact?: string;
  /** What all other hosts that it stands for end in, from a dot on; '' where that cannot be told. */
  readonly suffix?: string;
}

const known = new WeakMap<Ingress, readonly ServerName[]>();

/** Read once of each object, which never changes. */
export function serverNamesOf(ingress: Ingress): readonly ServerName[] {
  const found = known.get(ingress) ?? readServerNames(ingress);
  known.set(ingress, found);
  return found;
}

function readServerNames(ingress: Ingress): ServerName[] {
  const snippet = annotation(ingress, 'server-snippet') ?? '';
  const aliases = (annotation(ingress, 'server-alias') ?? '').split(',').map((alias) => alias.trim());
  return [...namesFrom('server-alias', aliases), ...namesFrom('server-snippet', serverNamesIn(snippet))];
}

/** Those of the servers that the controller's ConfigMap adds in its `http-snippet`. */
export function serverNamesOfController(config: ConfigMap | undefined): readonly ServerName[] {
  return namesFrom('http-snippet', serverNamesIn(config?.data?.['http-snippet'] ?? ''));
}

function namesFrom(from: ServerName['from'], texts: readonly string[]): ServerName[] {
  const distinct = new Set(
    texts.filter((text) => text !== '' && (text.length <= longestName || text.startsWith('~'))),
  );
  return [...distinct].map((text) => ({ text, from, ...meaningOf(text.toLowerCase()) }));
}

/** A directive begins the snippet or stands behind the end of another one. */
const serverName = /(?:^|[;{}])\s*["']?server_name["']?\s+([^;{}]*)/g;

/** The arguments of each `server_name` directive, without quotes. One pass, which makes nothing of what is none. */
function serverNamesIn(snippet: string): string[] {
  if (!snippet.includes('server_name')) return [];
  return [...snippet.matchAll(serverName)].flatMap(([, names = '']) => names.split(/[\s"']+/));
}

/** The forms of nginx's server_name: exact, `*.a.example`, `.a.example`, `www.*` and `~` with a regular expression. */
function meaningOf(name: string): Pick<ServerName, 'exact' | 'suffix'> {
  if (name.startsWith('~')) return { suffix: name.endsWith('$') ? literalEnd(name.slice(1, -1)) : '' };
  if (name.endsWith('.*')) return { suffix: '' };
  if (name.startsWith('*.')) return { suffix: name.slice(1) };
  return name.startsWith('.') ? { exact: name.slice(1), suffix: name } : { exact: name };
}

/** Of a regular expression, what stands behind its last sign of one, from a dot on. */
function literalEnd(pattern: string): string {
  if (pattern.includes('|')) return '';
  const plain = pattern.slice(-255).replaceAll('\\.', '.').replaceAll('\\-', '-');
  const literal = /[a-z0-9.-]*$/.exec(plain)?.[0] ?? '';
  const dot = literal.indexOf('.');
  return dot === -1 ? '' : literal.slice(dot);
}

/** For messages. */
export function describeName({ text, from }: ServerName): string {
  return `${from} ${quoted(text)}`;
}
