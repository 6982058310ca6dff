import { readFile } from 'node:fs/promises';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { parse } from 'yaml';
import { ConfigError } from '../config/config-error.ts';
import { Fault } from '../fault.ts';
import { readAllowRules } from './allow-rule.ts';
import type { VerifyCaller } from './callers.ts';
import { certificateHeaders } from './forwarded-certificate.ts';
import { parseNetworks } from './networks.ts';

const closed = { additionalProperties: false };

const Caller = Type.Object(
  {
    header: Type.Enum([...certificateHeaders]),
    networks: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
    keySha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    authority: Type.Optional(Type.String()),
    allow: Type.Optional(Type.Unknown()),
    certificateRequired: Type.Optional(Type.Boolean()),
  },
  closed,
);

const documentCheck = Compile(Type.Object({ callers: Type.Record(Type.String(), Caller) }, closed));

/** Names stand in URLs. */
const callerName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * Reads VERIFY_CALLERS_FILE. A mistake stops the start: a caller that is silently left out would shut doors, and one that is
 * read wider than it was meant would open them.
 * @param authorities the names of those that there are
 * @throws ConfigError, one line that names the file, the key and the fault
 */
export async function loadCallers(
  file: string | undefined,
  authorities: readonly string[],
): Promise<readonly VerifyCaller[]> {
  if (file === undefined) return [];
  const document = parseDocument(file, await readText(file));
  return Object.entries(document).map(([name, caller]) => toCaller(file, authorities, name, caller));
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw wrong(`${file} cannot be read`);
  }
}

function parseDocument(file: string, text: string): Record<string, Static<typeof Caller>> {
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 0, prettyErrors: false });
  } catch {
    throw wrong(`${file} is not YAML`);
  }
  if (documentCheck.Check(document)) return document.callers;
  const errors = documentCheck.Errors(document);
  // An unknown key is told before what is missing: a misspelt one is both.
  const error = errors.find(({ keyword }) => keyword === 'boolean') ?? errors[0];
  const path = (error?.instancePath ?? '').slice(1).replaceAll('/', '.') || 'the document';
  const fault =
    error?.keyword === 'boolean' ? 'is not a key that is known' : (error?.message ?? 'is invalid');
  throw wrong(`${file}: ${path} ${fault}`);
}

function toCaller(
  file: string,
  authorities: readonly string[],
  name: string,
  text: Static<typeof Caller>,
): VerifyCaller {
  const at = `${file}: callers.${name}`;
  const { header, networks, keySha256, authority, allow, certificateRequired = true } = text;
  if (!callerName.test(name)) throw wrong(`${at} is not a DNS label`);
  if (networks === undefined && keySha256 === undefined) {
    throw wrong(`${at} has neither networks nor keySha256: anybody could ask in its name`);
  }
  if (authority !== undefined && !authorities.includes(authority)) {
    throw wrong(`${at}.authority names ${authority}, which there is not`);
  }
  return {
    name,
    header,
    certificateRequired,
    needsTlsVerdict: false,
    ...(networks === undefined ? {} : { networks: naming(at, () => parseNetworks(networks)) }),
    ...(keySha256 === undefined ? {} : { keySha256: Buffer.from(keySha256, 'hex') }),
    ...(authority === undefined ? {} : { authority }),
    ...(allow === undefined ? {} : { allow: naming(at, () => readAllowRules(allow, 'allow')) }),
  };
}

function naming<T>(at: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError || error instanceof Fault) throw wrong(`${at}: ${error.message}`);
    throw error;
  }
}

function wrong(problem: string): ConfigError {
  return new ConfigError('VERIFY_CALLERS_FILE', problem);
}
