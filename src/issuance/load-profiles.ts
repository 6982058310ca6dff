import { readFile } from 'node:fs/promises';
import type { Static } from 'typebox';
import { parse } from 'yaml';
import { formatDuration, parseDuration } from '../duration.ts';
import { attributeLabel, attributeTypeOf } from '../x509/attribute-types.ts';
import { extendedKeyUsages, ocspSigning } from './extended-key-usages.ts';
import { compilePattern } from './pattern.ts';
import { type Profile, type ProfileDocument, profilesDocumentCheck } from './profile.ts';
import { reservedProfiles } from './reserved-profiles.ts';

type ProfileText = Static<typeof ProfileDocument>;

/** A profiles file is wrong; the message is one line that names the file, the key and the fault. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
}

/** Names stand in rows, tokens and metrics, so they are DNS labels. */
const profileName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const builtIn = new URL('./profiles.yaml', import.meta.url);

/** The profiles as they are written, before they are held against a CA. */
export interface LoadedProfiles {
  readonly builtIn: readonly Profile[];
  /** From PROFILES_FILE. */
  readonly own: readonly Profile[];
}

/**
 * Reads the profiles that come with the service, and those of `file`. Needs no CA, so that a mistake is found before
 * one is made.
 * @throws ProfileError
 */
export async function loadProfiles(file: string | undefined): Promise<LoadedProfiles> {
  return {
    builtIn: readProfiles('profiles.yaml', await readFile(builtIn, 'utf8')),
    own: file === undefined ? [] : readProfiles(file, await readText(file)),
  };
}

export interface ValidityBounds {
  /** The authority's own validity. */
  readonly authoritySeconds: number;
  /** ISSUANCE_MAX_VALIDITY: cuts every profile down to it. */
  readonly maxSeconds?: number;
}

/**
 * The profiles in force: own ones replace built-in ones of the same name. What an operator wrote must fit the CA;
 * the built-in ones are cut down to it, since nobody asked for their lengths.
 * @throws ProfileError
 */
export function boundProfiles({ builtIn, own }: LoadedProfiles, bounds: ValidityBounds): Profile[] {
  const { authoritySeconds, maxSeconds = Infinity } = bounds;
  const profiles = new Map(
    builtIn.map((profile) => [profile.name, cutDown(profile, Math.min(maxSeconds, authoritySeconds))]),
  );
  for (const profile of own) {
    const bounded = cutDown(profile, maxSeconds);
    if (bounded.maxValiditySeconds > authoritySeconds) {
      throw new ProfileError(
        `PROFILES_FILE: profiles.${profile.name}.maxValidity is longer than the CA is valid (${formatDuration(authoritySeconds)})`,
      );
    }
    profiles.set(profile.name, bounded);
  }
  return [...profiles.values()];
}

function cutDown(profile: Profile, maxSeconds: number): Profile {
  const maxValiditySeconds = Math.min(profile.maxValiditySeconds, maxSeconds);
  const defaultValiditySeconds = Math.min(profile.defaultValiditySeconds, maxValiditySeconds);
  return { ...profile, maxValiditySeconds, defaultValiditySeconds };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ProfileError(`PROFILES_FILE ${file} cannot be read`, { cause });
  }
}

function readProfiles(file: string, text: string): Profile[] {
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw new ProfileError(`${file} is not YAML: ${firstLine(cause)}`, { cause });
  }
  if (!profilesDocumentCheck.Check(document)) {
    const errors = profilesDocumentCheck.Errors(document);
    // A misspelt key is two errors, an unknown key and a missing one; the unknown one tells what was written.
    const error = errors.find(({ keyword }) => keyword === 'boolean') ?? errors[0];
    const path = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
    const fault =
      error?.keyword === 'boolean' ? 'is not a key that is known' : (error?.message ?? 'is invalid');
    throw new ProfileError(`${file}: ${path || 'the document'} ${fault}`);
  }
  return Object.entries(document.profiles).map(([name, profile]) => toProfile(file, name, profile));
}

function toProfile(file: string, name: string, text: ProfileText): Profile {
  const at = `${file}: profiles.${name}`;
  if (!profileName.test(name)) throw new ProfileError(`${at} is not a DNS label`);
  if (reservedProfiles.has(name))
    throw new ProfileError(`${at} has the name of certificates that were issued elsewhere`);
  const profile: Profile = {
    name,
    description: text.description,
    keys: { rsa: text.keys.rsa ?? false, ec: text.keys.ec ?? [], ed25519: text.keys.ed25519 ?? false },
    keyUsage: text.keyUsage,
    extendedKeyUsage: text.extendedKeyUsage.map((usage) => toUsage(at, usage)),
    defaultValiditySeconds: toSeconds(`${at}.defaultValidity`, text.defaultValidity),
    maxValiditySeconds: toSeconds(`${at}.maxValidity`, text.maxValidity),
    subject: {
      allowed: text.subject.allowed.map((label) => toLabel(at, label)),
      required: (text.subject.required ?? []).map((label) => toLabel(at, label)),
    },
    subjectAltName: {
      kinds: text.subjectAltName.kinds,
      required: text.subjectAltName.required ?? false,
      wildcards: text.subjectAltName.wildcards ?? false,
      patterns: toPatterns(at, text.subjectAltName.patterns ?? {}),
    },
  };
  if (profile.defaultValiditySeconds > profile.maxValiditySeconds) {
    throw new ProfileError(`${at}.defaultValidity is longer than maxValidity`);
  }
  return profile;
}

function toSeconds(at: string, text: string | number): number {
  const seconds = parseDuration(String(text));
  if (seconds === undefined || !Number.isInteger(seconds) || seconds < 60) {
    throw new ProfileError(`${at} must be a duration of at least a minute, such as P90D`);
  }
  return seconds;
}

/** The label as refusals write it; a misspelt one would silently allow nothing. */
function toLabel(at: string, label: string): string {
  const oid = /^\d+(\.\d+)+$/.test(label) ? label : attributeTypeOf(label);
  if (oid === undefined)
    throw new ProfileError(`${at}.subject names ${label}, which is neither a known attribute nor an OID`);
  return attributeLabel(oid);
}

function toUsage(at: string, usage: string): string {
  const oid = /^\d+(\.\d+)+$/.test(usage) ? usage : extendedKeyUsages[usage];
  if (oid === undefined) {
    throw new ProfileError(
      `${at}.extendedKeyUsage names ${usage}, which is neither a known usage nor an OID`,
    );
  }
  if (oid === ocspSigning) {
    throw new ProfileError(
      `${at}.extendedKeyUsage names OCSPSigning: its holder could vouch for revoked certificates`,
    );
  }
  return oid;
}

function toPatterns(
  at: string,
  patterns: Readonly<Record<string, string>>,
): Profile['subjectAltName']['patterns'] {
  return Object.fromEntries(
    Object.entries(patterns).map(([kind, pattern]) => {
      try {
        return [kind, compilePattern(pattern)];
      } catch (cause) {
        throw new ProfileError(
          `${at}.subjectAltName.patterns.${kind} is no regular expression of RE2: ${firstLine(cause)}`,
          { cause },
        );
      }
    }),
  );
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unreadable';
}
