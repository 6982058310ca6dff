import { Fault } from '../fault.ts';
import { membersOf } from '../members-of.ts';
import { dnsNameProblem, emailProblem } from '../x509/host-syntax.ts';
import { formatName, parseName } from '../x509/name.ts';
import { X509Error } from '../x509/x509-error.ts';

/**
 * Whom a door is for: one thing that the client's certificate must say. `commonName`, `subject` (RFC 4514) and `email` are
 * whole values; `dns` may begin with `*.`, which stands for one label; `uri` may end in `*` behind a `/` or a `:`.
 */
export type AllowRule =
  | { readonly commonName: string }
  | { readonly subject: string }
  | { readonly dns: string }
  | { readonly uri: string }
  | { readonly email: string };

export const allowRuleKinds = ['commonName', 'subject', 'dns', 'uri', 'email'] as const;
export type AllowRuleKind = (typeof allowRuleKinds)[number];

export const maxAllowRules = 64;
/** Characters of one value. */
export const maxAllowValue = 1024;

/** What rules are held against. */
export interface CertificateNames {
  /** RFC 4514, as `formatName` writes it. */
  readonly subject: string;
  readonly commonName?: string;
  readonly subjectAltNames: readonly { readonly kind: string; readonly value: string }[];
}

/**
 * Reads rules of unknown shape: the body of a call, an annotation, a row, a file. Values come out in the form in which they
 * are compared. One rule that fits is enough; an empty list, which would let nobody in, is refused.
 * @param field stands in the message: where the rules were written
 * @throws Fault request-invalid
 */
export function readAllowRules(value: unknown, field: string): readonly AllowRule[] {
  if (!Array.isArray(value)) throw invalid(field, 'must be a list of rules');
  if (value.length === 0) throw invalid(field, 'is empty: nobody would be let in');
  if (value.length > maxAllowRules) throw invalid(field, `has more than ${maxAllowRules} rules`);
  return value.map((rule, index) => readRule(rule, `${field}[${index}]`));
}

function readRule(value: unknown, field: string): AllowRule {
  const [member, ...more] = Object.entries(membersOf(value));
  if (member === undefined || more.length > 0 || Array.isArray(value)) {
    throw invalid(field, `must have one member, one of ${allowRuleKinds.join(', ')}`);
  }
  const [kind, text] = member;
  const read = Object.hasOwn(readers, kind) ? readers[kind as AllowRuleKind] : undefined;
  if (read === undefined) throw invalid(field, `${kind} is none of ${allowRuleKinds.join(', ')}`);
  if (typeof text !== 'string' || text === '' || text.length > maxAllowValue) {
    throw invalid(`${field}.${kind}`, `must be a text of 1 to ${maxAllowValue} characters`);
  }
  return read(text, `${field}.${kind}`);
}

const readers: Readonly<Record<AllowRuleKind, (text: string, field: string) => AllowRule>> = {
  commonName: (text) => ({ commonName: text }),
  subject: (text, field) => ({ subject: canonicalSubject(text, field) }),
  dns(text, field) {
    const problem = dnsNameProblem(text);
    if (problem !== undefined) throw invalid(field, `is no host name: ${problem}`);
    return { dns: text.toLowerCase() };
  },
  uri(text, field) {
    const star = text.indexOf('*');
    // "https://a.example*" would let "https://a.example.evil.test" in.
    if (star !== -1 && (star !== text.length - 1 || !/[/:]$/.test(text.slice(0, star)))) {
      throw invalid(field, 'may have a * only at its end, behind a / or a :');
    }
    return { uri: text };
  },
  email(text, field) {
    const problem = emailProblem(text);
    if (problem !== undefined) throw invalid(field, `is no e-mail address: ${problem}`);
    return { email: lowerDomain(text) };
  },
};

function canonicalSubject(text: string, field: string): string {
  try {
    return formatName(parseName(text));
  } catch (error) {
    if (error instanceof X509Error)
      throw invalid(field, `is no name as RFC 4514 writes it: ${error.message}`);
    throw error;
  }
}

/** Whether one of the rules fits. */
export function isAllowed(rules: readonly AllowRule[], names: CertificateNames): boolean {
  return rules.some((rule) => fits(rule, names));
}

function fits(rule: AllowRule, names: CertificateNames): boolean {
  if ('commonName' in rule) return names.commonName === rule.commonName;
  if ('subject' in rule) return names.subject === rule.subject;
  if ('dns' in rule) return hasName(names, 'dns', (value) => dnsFits(rule.dns, value.toLowerCase()));
  if ('uri' in rule) return hasName(names, 'uri', (value) => uriFits(rule.uri, value));
  return hasName(names, 'email', (value) => lowerDomain(value) === rule.email);
}

function hasName(names: CertificateNames, kind: string, fitsValue: (value: string) => boolean): boolean {
  return names.subjectAltNames.some((name) => name.kind === kind && fitsValue(name.value));
}

/** One label for the `*`, as in certificates (RFC 6125 6.4.3). */
function dnsFits(rule: string, host: string): boolean {
  if (!rule.startsWith('*.')) return host === rule;
  return host.slice(Math.max(host.indexOf('.'), 0)) === rule.slice(1);
}

function uriFits(rule: string, uri: string): boolean {
  return rule.endsWith('*') ? uri.startsWith(rule.slice(0, -1)) : uri === rule;
}

/** The part before the @ may tell cases apart, the host does not (RFC 5321 2.4). */
function lowerDomain(mailbox: string): string {
  const at = mailbox.lastIndexOf('@');
  return mailbox.slice(0, at) + mailbox.slice(at).toLowerCase();
}

function invalid(field: string, problem: string): Fault {
  return new Fault('request-invalid', `${field} ${problem}`, { field });
}
