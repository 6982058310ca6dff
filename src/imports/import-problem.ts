/** Why one line, block or entry was left out, or taken with a reservation. The code is a promise to clients: add, never rename. */
export type ImportProblemCode =
  /** It is not what it should be. */
  | 'malformed'
  /** Negative, or longer than anybody's serial. */
  | 'serial-unsupported'
  /** Another certificate of this serial is on record. */
  | 'serial-taken'
  | 'other-issuer'
  | 'signature-invalid'
  /** Signed with an algorithm that cannot be checked here. */
  | 'signature-unsupported'
  /** The revocation is recorded as `unspecified`: nobody knows this reason. */
  | 'reason-unknown'
  /** The revocation is recorded as of now, or until the CA ends: the date that says otherwise cannot be read. */
  | 'date-unknown'
  /** The entry is of another CA's certificate (an indirect CRL). */
  | 'entry-unsupported'
  /** A delta, or a list of other CAs' certificates. */
  | 'crl-unsupported'
  | 'crl-number-too-large';

/** One line, block or entry that cannot be taken. The message is safe to show. */
export class ImportProblem extends Error {
  override readonly name = 'ImportProblem';
  readonly code: ImportProblemCode;
  /** Lower-case hex, where it could be read. */
  readonly serial: string | undefined;

  constructor(code: ImportProblemCode, detail: string, options: { serial?: string; cause?: unknown } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.serial = options.serial;
  }
}

/** What the strict readers say, as a problem of ours; anything else is thrown on. */
export function malformedOr(error: unknown, what: string): ImportProblem {
  if (error instanceof ImportProblem) return error;
  if (error instanceof Error && readerErrors.has(error.name))
    return new ImportProblem('malformed', `${what}: ${error.message}`, { cause: error });
  throw error;
}

const readerErrors: ReadonlySet<string> = new Set(['X509Error', 'DerError', 'PemError']);
