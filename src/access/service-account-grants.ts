import { readFile } from 'node:fs/promises';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { parse } from 'yaml';
import { ConfigError } from '../config/config-error.ts';
import { everything, type Grant, roles } from './caller.ts';
import { limitFaultOf } from './grant-limits.ts';

/** Who somebody is in the cluster: a user name and its groups. */
export interface ClusterIdentity {
  readonly username: string;
  readonly groups: readonly string[];
}

/** The roles that service accounts have by configuration. */
export interface ServiceAccountGrants {
  /** Every grant of the user and of its groups; empty: nobody whom we know. */
  of(identity: ClusterIdentity): readonly Grant[];
}

const closed = { additionalProperties: false };
const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const subdomain = '[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?';
const names = Type.Array(Type.String({ pattern: `^(\\*|${label})$` }), { minItems: 1 });

/** One entry of the file: who, and what a token of the service itself would have as a grant. */
const Entry = Type.Object(
  {
    subject: Type.Optional(Type.String({ pattern: `^system:serviceaccount:${label}:${subdomain}$` })),
    // Not system:authenticated: whoever reaches the API server at all would be let in by it.
    group: Type.Optional(Type.String({ pattern: `^system:serviceaccounts(:${label})?$` })),
    role: Type.Enum([...roles]),
    profiles: Type.Optional(names),
    namespaces: Type.Optional(names),
  },
  closed,
);
const documentCheck = Compile(Type.Object({ grants: Type.Array(Entry, { minItems: 1 }) }, closed));

type Entry = Type.Static<typeof Entry>;

/** In words what a pattern of the file means; the pattern itself helps nobody. */
const expectations: Readonly<Record<string, string>> = {
  subject: 'must have the form system:serviceaccount:<namespace>:<name>',
  group: 'must be system:serviceaccounts or system:serviceaccounts:<namespace>',
  profiles: 'must be the name of a profile, or "*"',
  namespaces: 'must be the name of a namespace, or "*"',
};

/**
 * Reads the file of ACCESS_SERVICE_ACCOUNT_GRANTS_FILE.
 * @param profiles the names that `profiles` may use: a misspelt one would silently allow nothing
 * @throws ConfigError one line that names the entry and what is wrong with it
 */
export async function loadServiceAccountGrants(
  file: string,
  profiles: readonly string[],
): Promise<ServiceAccountGrants> {
  const entries = readEntries(file, await readText(file));
  entries.forEach((entry, index) => {
    const fault = faultOf(entry, profiles);
    if (fault !== undefined) throw wrong(file, `grants.${index}${fault}`);
  });
  return createServiceAccountGrants(entries);
}

function createServiceAccountGrants(entries: readonly Entry[]): ServiceAccountGrants {
  const grantsByName = new Map<string, Grant[]>();
  for (const { subject, group, ...grant } of entries) {
    const name = subject ?? group ?? '';
    grantsByName.set(name, [...(grantsByName.get(name) ?? []), grant]);
  }
  return {
    of: ({ username, groups }) =>
      [...new Set([username, ...groups])].flatMap((name) => grantsByName.get(name) ?? []),
  };
}

/** What the schema cannot say of one entry, behind its place in the file. */
function faultOf(entry: Entry, profiles: readonly string[]): string | undefined {
  const { subject, group, ...grant } = entry;
  if ((subject === undefined) === (group === undefined)) return ' needs either subject or group';
  const limit = limitFaultOf(grant);
  if (limit !== undefined) return `.${limit.member}: ${limit.detail}`;
  const unknown = grant.profiles?.find((name) => name !== everything && !profiles.includes(name));
  if (unknown === undefined) return undefined;
  return `.profiles: there is no profile ${unknown}; there are ${profiles.join(', ')}`;
}

function readEntries(file: string, text: string): readonly Entry[] {
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw wrong(file, `is not YAML: ${cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : ''}`);
  }
  if (documentCheck.Check(document)) return document.grants;
  const errors = documentCheck.Errors(document);
  // A misspelt key is two errors, an unknown key and a missing one; the unknown one tells what was written.
  const error = errors.find(({ keyword }) => keyword === 'boolean') ?? errors[0];
  const path = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  throw wrong(
    file,
    `${path || 'the document'} ${error === undefined ? 'is invalid' : describe(path, error)}`,
  );
}

function describe(
  path: string,
  { keyword, message, params }: { keyword: string; message: string; params: object },
): string {
  if (keyword === 'boolean') return 'is not a key that is known';
  const member = path.split('.')[2] ?? '';
  if (keyword === 'pattern') return expectations[member] ?? message;
  if ('allowedValues' in params && Array.isArray(params.allowedValues))
    return `must be one of ${params.allowedValues.join(', ')}`;
  return message;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw wrong(file, 'cannot be read');
  }
}

function wrong(file: string, fault: string): ConfigError {
  return new ConfigError('ACCESS_SERVICE_ACCOUNT_GRANTS_FILE', `${file}: ${fault}`);
}
