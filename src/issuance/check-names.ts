import { Fault } from '../fault.ts';
import { formatGeneralName, type GeneralName, isWildcard } from '../x509/general-name.ts';
import { attributeLabel, type Name, resemblesName } from '../x509/name.ts';
import type { Profile, SubjectAltNameKind } from './profile.ts';

/** More names than this make a certificate that TLS stacks refuse, and rows that searches crawl over. */
const maximumNames = 100;
/** What a SPIFFE ID may have (SPIFFE-ID section 2.3); the other kinds are shorter by their own rules. */
const maximumNameOctets = 2048;

/**
 * Refuses the authority's own name as a subject: verifiers that build chains by name could take the leaf for its issuer.
 * @throws Fault subject-not-allowed
 */
export function checkNotAuthority(subject: Name, authority: Name): void {
  if (!resemblesName(subject, authority)) return;
  throw new Fault('subject-not-allowed', "The subject is the authority's own", { field: 'csr.subject' });
}

/**
 * Checks the subject against the profile: every attribute must be allowed, every required one there.
 * @throws Fault subject-not-allowed, subject-missing
 */
export function checkSubject(subject: Name, profile: Profile): void {
  const present = subject.rdns.flat().map((attribute) => attributeLabel(attribute.type));
  if (present.length > maximumNames) {
    throw new Fault('subject-not-allowed', `At most ${maximumNames} subject attributes fit a certificate`, {
      field: 'csr.subject',
    });
  }
  for (const label of present) {
    if (profile.subject.allowed.includes(label)) continue;
    throw new Fault(
      'subject-not-allowed',
      `The profile ${profile.name} does not allow the subject attribute ${label}`,
      {
        field: `csr.subject.${label}`,
      },
    );
  }
  for (const label of profile.subject.required) {
    if (present.includes(label)) continue;
    throw new Fault(
      'subject-missing',
      `The profile ${profile.name} requires the subject attribute ${label}`,
      {
        field: `csr.subject.${label}`,
      },
    );
  }
}

/**
 * Checks the subject alternative names against the profile, and that the certificate names somebody at all.
 * @throws Fault san-not-allowed, subject-missing
 */
export function checkSubjectAltNames(subject: Name, names: readonly GeneralName[], profile: Profile): void {
  if (names.length === 0 && profile.subjectAltName.required) {
    throw new Fault('subject-missing', `The profile ${profile.name} requires a subject alternative name`, {
      field: 'csr.extensions.subjectAltName',
    });
  }
  if (names.length === 0 && subject.rdns.length === 0) {
    throw new Fault(
      'subject-missing',
      'The CSR names nobody: it needs a subject or a subject alternative name',
      {
        field: 'csr.subject',
      },
    );
  }
  if (names.length > maximumNames) {
    throw refusal(`at most ${maximumNames} names fit a certificate`, 'csr.extensions.subjectAltName');
  }
  names.forEach((name, index) => {
    checkName(name, profile, `csr.extensions.subjectAltName[${index}]`);
  });
}

function checkName(name: GeneralName, profile: Profile, field: string): void {
  const { kinds, wildcards, patterns } = profile.subjectAltName;
  if (Buffer.byteLength(name.value) > maximumNameOctets)
    throw refusal(`a name has at most ${maximumNameOctets} octets`, field);
  const shown = formatGeneralName(name);
  const kind = kinds.find((allowed): allowed is SubjectAltNameKind => allowed === name.kind);
  if (kind === undefined) throw refusal(`the profile ${profile.name} takes no ${name.kind} names`, field);
  if (isWildcard(name) && !wildcards) {
    throw refusal(`the profile ${profile.name} takes no wildcards (${shown})`, field);
  }
  // Host names are compared without regard to case (RFC 4343), so a pattern is written in lower case.
  const value = kind === 'dns' ? name.value.toLowerCase() : name.value;
  if (patterns[kind]?.test(value) === false) {
    throw refusal(`${shown} does not match the pattern of the profile ${profile.name}`, field);
  }
}

function refusal(why: string, field: string): Fault {
  return new Fault('san-not-allowed', `Subject alternative name refused: ${why}`, { field });
}
