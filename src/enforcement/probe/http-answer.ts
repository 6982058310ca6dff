/** The start of an HTTP/1.1 response, which is all that a probe reads of it. */
export interface HttpAnswer {
  readonly status: number;
  /** By lower-case name; of repeated ones the first. */
  readonly headers: ReadonlyMap<string, string>;
  /** As much of the body as there was, octet by octet. */
  readonly body: string;
}

export interface AnswerReader {
  /** `done`: more would tell nothing. `malformed`: this is no HTTP/1.1. */
  push(chunk: Uint8Array): 'more' | 'done' | 'malformed';
  /** What there is so far; undefined before the headers are whole. */
  readonly answer: HttpAnswer | undefined;
}

/** A door's own pages are a few hundred octets; an application may send gigabytes. */
export const longestAnswerOctets = 16 * 1024;

const headersEnd = '\r\n\r\n';
const httpVersion = 'HTTP/1.';
/** The end of a body in chunks (RFC 9112 7.1). */
const lastChunk = `0${headersEnd}`;

/** Collects one response and reads each octet once: a server may send them one at a time. Interim ones (RFC 9110 15.2) are passed over. */
export function createAnswerReader(): AnswerReader {
  let taken = 0;
  /** Of the head that is not whole yet. */
  let head = '';
  let found: { readonly head: Head; readonly chunks: string[]; length: number; end: string } | undefined;

  /** What stands behind the final head; undefined while there is none. */
  function readHeads(text: string): string | 'more' | 'malformed' {
    // The end may have begun in what came before.
    const from = Math.max(0, head.length - headersEnd.length);
    head += text;
    for (let at = from; ; at = 0) {
      const start = head.slice(0, httpVersion.length);
      if (!httpVersion.startsWith(start)) return 'malformed';
      const end = head.indexOf(headersEnd, at);
      if (end === -1) return 'more';
      const read = readHead(head.slice(0, end));
      const rest = head.slice(end + headersEnd.length);
      if (read === undefined) return 'malformed';
      head = rest;
      if (read.status < 200) continue;
      found = { head: read, chunks: [], length: 0, end: '' };
      return rest;
    }
  }

  function readBody(text: string): 'more' | 'done' {
    if (found === undefined) return 'more';
    found.chunks.push(text);
    found.length += text.length;
    found.end = (found.end + text).slice(-lastChunk.length);
    return isEnough(found.head, found.length, found.end) ? 'done' : 'more';
  }

  function read(text: string): 'more' | 'done' | 'malformed' {
    if (found !== undefined) return readBody(text);
    const rest = readHeads(text);
    return found === undefined ? (rest === 'malformed' ? 'malformed' : 'more') : readBody(rest);
  }

  return {
    get answer() {
      return found === undefined ? undefined : { ...found.head, body: found.chunks.join('') };
    },
    push(chunk) {
      const text = Buffer.from(chunk.subarray(0, longestAnswerOctets - taken)).toString('latin1');
      taken += text.length;
      const state = read(text);
      if (taken < longestAnswerOctets || state !== 'more') return state;
      return found === undefined ? 'malformed' : 'done';
    },
  };
}

type Head = Omit<HttpAnswer, 'body'>;

function readHead(text: string): Head | undefined {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |$)/.exec(statusLine)?.[1];
  if (status === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon > 0 && !headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  return { status: Number(status), headers };
}

/** Only a refusal says something in its body. */
function isEnough({ status, headers }: Head, length: number, end: string): boolean {
  if (status < 400) return true;
  const announced = headers.get('content-length');
  if (announced !== undefined) return length >= Number(announced);
  return headers.get('transfer-encoding') !== undefined && end === lastChunk;
}
