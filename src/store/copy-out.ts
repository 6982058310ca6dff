import type pg from 'pg';

/** PGCOPY\n\xff\r\n\0, flags, and the length of an extension that no server has sent yet (PostgreSQL, COPY, "Binary Format"). */
const preambleOctets = 11 + 4;
const int16Octets = 2;
const int32Octets = 4;
const ended = -1;

/**
 * The one bytea that a query gives, by `COPY … TO STDOUT (FORMAT binary)`: as a row's the driver would take it as a string of hex,
 * of twice the octets. Rejects with the driver's errors.
 * @param query cannot have parameters
 * @returns undefined when there is no row, or it is null
 */
export function copyOut(client: pg.ClientBase, query: string): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    client.query(
      new CopyOut(`copy (${query}) to stdout (format binary)`, (error, octets) => {
        if (error !== undefined) reject(error);
        else {
          try {
            resolve(readOnly(octets));
          } catch (wrong) {
            reject(wrong);
          }
        }
      }),
    );
  });
}

/** What the driver's client asks of a query; it calls the handlers as messages come. */
class CopyOut {
  /** The driver puts its own around it, which ends the timer of `query_timeout`. */
  callback: (error: Error | undefined, octets: Buffer) => void;
  readonly #text: string;
  #messages: Buffer[] = [];

  constructor(text: string, callback: (error: Error | undefined, octets: Buffer) => void) {
    this.#text = text;
    this.callback = callback;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#text);
  }

  /** One row each, and one for the end. The driver will write over what it hands out here. */
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    this.#messages.push(Buffer.from(chunk));
  }

  handleError(error: Error): void {
    this.#messages = [];
    this.callback(error, Buffer.alloc(0));
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.callback(undefined, Buffer.concat(this.#messages));
  }
}

/** The field of the only row of one column. */
function readOnly(octets: Buffer): Buffer | undefined {
  let at = preambleOctets + int32Octets + octets.readInt32BE(preambleOctets);
  const columns = octets.readInt16BE(at);
  if (columns === ended) return undefined;
  const length = octets.readInt32BE(at + int16Octets);
  at += int16Octets + int32Octets;
  const end = at + Math.max(length, 0);
  if (columns !== 1 || octets.readInt16BE(end) !== ended)
    throw new Error('Not one bytea was copied, but more');
  return length < 0 ? undefined : octets.subarray(at, end);
}
