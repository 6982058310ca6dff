import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type pg from 'pg';

/** The messages of the protocol (PostgreSQL 54.7): an octet that tells which, and an int32 of the length with itself. */
const lengthOctets = 4;
const copyData = 'd'.charCodeAt(0);
const copyDone = Buffer.from([...Buffer.from('c'), 0, 0, 0, lengthOctets]);
const copyFail = Buffer.from([...Buffer.from('f'), 0, 0, 0, lengthOctets + 1, 0]);

/**
 * `COPY … FROM STDIN`, the chunks sent as they are, one after the other: a parameter of a statement would be copied twice and sent
 * at once. Rejects with the driver's errors.
 */
export function copyIn(client: pg.ClientBase, text: string, chunks: Iterable<Buffer>): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(
      new CopyIn(text, chunks, (error) => {
        if (error === undefined) resolve();
        else reject(error);
      }),
    );
  });
}

/** What the driver's client asks of a query; it calls the handlers as messages come. */
class CopyIn {
  /** The driver puts its own around it, which ends the timer of `query_timeout`. */
  callback: (error?: Error) => void;
  readonly #text: string;
  readonly #chunks: Iterable<Buffer>;
  #ended = false;

  constructor(text: string, chunks: Iterable<Buffer>, callback: (error?: Error) => void) {
    this.#text = text;
    this.#chunks = chunks;
    this.callback = callback;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#text);
  }

  handleCopyInResponse(connection: pg.Connection): void {
    this.#send(connection.stream).catch((error: unknown) => this.handleError(asError(error)));
  }

  async #send(stream: pg.Connection['stream']): Promise<void> {
    try {
      for (const chunk of this.#chunks) {
        if (this.#ended) return;
        stream.write(messageHeader(chunk.length));
        if (!stream.write(chunk)) await drained(stream);
        // What the kernel takes at once has drained before anybody else had a turn.
        await setImmediate();
      }
    } catch (error) {
      stream.write(copyFail);
      throw error;
    }
    if (!this.#ended) stream.write(copyDone);
  }

  handleError(error: Error): void {
    this.#ended = true;
    this.callback(error);
  }

  handleCommandComplete(): void {
    this.#ended = true;
  }

  handleReadyForQuery(): void {
    this.callback();
  }
}

/** A connection that is lost drains nothing any more; the client tells of it by `handleError`. */
async function drained(stream: pg.Connection['stream']): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })]).finally(() =>
    over.abort(),
  );
}

function messageHeader(length: number): Buffer {
  const header = Buffer.allocUnsafe(1 + lengthOctets);
  header[0] = copyData;
  header.writeInt32BE(length + lengthOctets, 1);
  return header;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
