import { isRevocationReason, type RevocationReason, revocationReasons } from '../x509/revocation-reason.ts';
import { foreignSerial } from './foreign-serial.ts';
import { ImportProblem } from './import-problem.ts';

/** A certificate in OpenSSL's `index.txt`. */
export interface IndexLine {
  /** Lower-case hex. */
  readonly serial: string;
  /** Undefined: that of a revoked one cannot be read. */
  readonly notAfter: Date | undefined;
  /** `V` is valid, `E` was found expired by `openssl ca -updatedb`; `R` stays `R` for ever. */
  readonly state: 'valid' | 'expired' | 'revoked';
  /** Of one that is revoked; undefined when it has been taken back (removeFromCRL). */
  readonly revocation?: {
    /** Undefined: it cannot be read. */
    readonly revokedAt: Date | undefined;
    /** Undefined: it says one that nobody knows. */
    readonly reason: RevocationReason | undefined;
  };
}

const states: Readonly<Record<string, IndexLine['state']>> = { V: 'valid', E: 'expired', R: 'revoked' };

/**
 * Reads a line as `openssl ca` writes it (apps/ca.c, crypto/txt_db): six fields between tabs, a tab inside of a field behind a
 * backslash: state, end, `date[,reason[,more]]` of the revocation, serial in hex, file, subject. A line `R` that somebody has edited
 * is a revocation as long as its serial is whole, which the tab behind it tells. Throws `ImportProblem`.
 */
export function readIndexLine(text: string): IndexLine {
  const fields = text.split(/(?<!\\)\t/);
  const [flag = '', end = '', revoked = '', hex = ''] = fields;
  if (fields.length !== 6 && !(flag === 'R' && fields.length > 4))
    throw new ImportProblem('malformed', `The line has ${fields.length} fields between tabs, and not 6`);
  if (!/^-?[0-9A-Fa-f]{1,1000}$/.test(hex))
    throw new ImportProblem('malformed', 'The fourth field is no serial');
  const serial = foreignSerial(hex);
  const state = Object.hasOwn(states, flag) ? states[flag] : undefined;
  if (state === undefined)
    throw new ImportProblem('malformed', 'The first field is not V, R or E', { serial });
  const notAfter = readDate(end);
  if (state === 'revoked') return { serial, notAfter, state, ...readRevocation(revoked) };
  if (notAfter === undefined) throw new ImportProblem('malformed', 'The second field is no time', { serial });
  return { serial, notAfter, state };
}

function readRevocation(text: string): Pick<IndexLine, 'revocation'> {
  const [date = '', name] = text.split(',');
  const revokedAt = readDate(date.trim());
  if (name === undefined) return { revocation: { revokedAt, reason: 'unspecified' } };
  const folded = name.trim().toLowerCase();
  if (folded === 'removefromcrl') return {};
  return { revocation: { revokedAt, reason: reasons.get(folded) } };
}

/** RFC 5280's, and `openssl ca`'s own: with a hold instruction, and with the time of the compromise. Compared without case. */
const reasons: ReadonlyMap<string, RevocationReason> = new Map(
  [
    ...revocationReasons.map((reason): [string, string] => [reason, reason]),
    ['holdInstruction', 'certificateHold'],
    ['keyTime', 'keyCompromise'],
    ['CAkeyTime', 'cACompromise'],
  ].flatMap(([name = '', reason = '']) =>
    isRevocationReason(reason) ? [[name.toLowerCase(), reason] as const] : [],
  ),
);

/** UTCTime or GeneralizedTime as text; the seconds may be left out. */
function readDate(text: string): Date | undefined {
  const [, year = '', month, day, hour, minute, second = '00'] =
    /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?Z$/.exec(text) ?? [];
  // RFC 5280 4.1.2.5.1: 50-99 are 19xx, 00-49 are 20xx.
  const century = year.length === 4 ? '' : year < '50' ? '20' : '19';
  const iso = `${century}${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const date = new Date(iso);
  // Comparing back refuses what Date would roll over, as 30 February.
  return Number.isNaN(date.getTime()) || date.toISOString() !== iso ? undefined : date;
}
