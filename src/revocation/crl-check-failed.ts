/** What a CRL is looked at for before it is published. */
export const crlChecks = ['clock', 'times', 'number', 'signature', 'entries', 'missing', 'delta'] as const;
export type CrlCheck = (typeof crlChecks)[number];

/** A CRL was made that must not be published. The one before it stays in force. */
export class CrlCheckFailed extends Error {
  override readonly name = 'CrlCheckFailed';
  readonly check: CrlCheck;

  constructor(check: CrlCheck, message: string) {
    super(message);
    this.check = check;
  }
}
