import { Fault } from '../fault.ts';
import type { CertificateFilter } from './certificates.ts';

/** What the indexes on names hold of them. */
const longestPrefix = 256;

/** The WHERE clause under construction; every value is a parameter. */
export class Conditions {
  readonly texts: string[] = [];
  readonly values: unknown[] = [];

  /** `$1`, `$2` in the text stand for the values given with it, wherever they end up in the statement. */
  add(text: string, ...values: readonly (string | Date | Buffer | readonly string[])[]): void {
    const before = this.values.length;
    this.values.push(...values);
    this.texts.push(text.replace(/\$(\d)/g, (_, number) => `$${before + Number(number)}`));
  }

  /** The placeholder of a value that the statement uses outside of `texts`. */
  parameter(value: string | Date | Buffer): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  where(): string {
    return this.texts.length === 0 ? '' : `where ${this.texts.join(' and ')}`;
  }
}

/**
 * What `filter` asks of `certificates c` and, for its state, of `revocations r`, the left join of it.
 * @throws Fault request-invalid for text that no name can hold
 */
export function addFilter(conditions: Conditions, filter: CertificateFilter, now: Date): void {
  for (const [field, value] of Object.entries(filter)) {
    // Text in PostgreSQL cannot hold it, so nothing has it.
    if (typeof value === 'string' && value.includes('\0')) {
      throw new Fault('request-invalid', `${field} holds a NUL character`, { field });
    }
  }
  if (filter.subject !== undefined) addSubject(conditions, filter.subject);
  if (filter.san !== undefined) conditions.add('c.sans && $1::text[]', spellings(filter.san));
  for (const [condition, value] of simpleConditions(filter)) {
    if (value !== undefined) conditions.add(condition, value);
  }
  if (filter.state === 'valid') conditions.add('c.not_after > $1 and r.certificate_id is null', now);
  if (filter.state === 'expired') conditions.add('c.not_after <= $1 and r.certificate_id is null', now);
}

function simpleConditions(filter: CertificateFilter): [string, string | Date | Buffer | undefined][] {
  return [
    ['c.profile = $1', filter.profile],
    ['c.authority = $1', filter.authority],
    ['c.requester = $1', filter.requester],
    ['c.not_after < $1', filter.expiresBefore],
    ['c.not_after >= $1', filter.expiresAfter],
    ['c.created_at >= $1', filter.issuedAfter],
    ['c.created_at < $1', filter.issuedBefore],
    ['c.spki_sha256 = $1', filter.spkiSha256],
    ['r.reason = $1', filter.reason],
  ];
}

function addSubject(conditions: Conditions, prefix: string): void {
  if (prefix.length > longestPrefix) {
    throw new Fault('request-invalid', `The subject is longer than ${longestPrefix} characters`, {
      field: 'subject',
    });
  }
  const pattern = `${prefix.replace(/[\\%_]/g, '\\$&')}%`;
  const begins = (column: string): string => `lower(left(${column}, ${longestPrefix})) like lower($1)`;
  conditions.add(`(${begins('c.common_name')} or ${begins('c.subject')})`, pattern);
}

const sanKinds = ['dns', 'ip', 'email', 'uri'];

/** As the name is stored: with its kind (any of them when none is given), host names in lower case. */
function spellings(san: string): string[] {
  const kind = /^(dns|ip|email|uri|directoryName|otherName|registeredID):/i.exec(san)?.[1];
  if (kind === undefined)
    return sanKinds.map((each) => `${each}:${each === 'dns' ? san.toLowerCase() : san}`);
  return [kind.toLowerCase() === 'dns' ? san.toLowerCase() : san];
}
