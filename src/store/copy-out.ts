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
      new CopyOut(`copy (${query}) to stdout (format binary)`, (error, messages) => {
        if (error !== undefined) reject(error);
        else {
          try {
            resolve(readOnly(messages));
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
  callback: (error: Error | undefined, messages: readonly Buffer[]) => void;
  readonly #text: string;
  #messages: Buffer[] = [];

  constructor(text: string, callback: (error: Error | undefined, messages: readonly Buffer[]) => void) {
    this.#text = text;
    this.callback = callback;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#text);
  }

  /** The driver will write over what it hands out here. */
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    this.#messages.push(Buffer.from(chunk));
  }

  handleError(error: Error): void {
    this.callback(error, []);
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.callback(undefined, this.#messages);
  }
}

/**
 * The field of the only row of one column. A message has a row, or the end; the preamble is before the first of them (PostgreSQL 54.7:
 * "Messages sent from the backend will always correspond to single data rows").
 */
function readOnly([first = Buffer.alloc(0), ...others]: readonly Buffer[]): Buffer | undefined {
  const start = preambleOctets + int32Octets + first.readInt32BE(preambleOctets);
  const columns = first.readInt16BE(start);
  if (columns === ended) return undefined;
  if (columns !== 1 || others.length !== 1) throw new Error('Not one bytea was copied, but more');
  const at = start + int16Octets + int32Octets;
  const length = first.readInt32BE(at - int32Octets);
  return length < 0 ? undefined : first.subarray(at, at + length);
}
