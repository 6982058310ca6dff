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

/** Collects one response. Interim ones (RFC 9110 15.2) are passed over. */
export function createAnswerReader(): AnswerReader {
  let text = '';
  let answer: HttpAnswer | undefined;
  return {
    get answer() {
      return answer;
    },
    push(chunk) {
      const room = Math.max(0, longestAnswerOctets - text.length);
      text += Buffer.from(chunk.subarray(0, room)).toString('latin1');
      const full = text.length >= longestAnswerOctets;
      const read = readFinal(text);
      if (read === 'malformed' || (read === 'unfinished' && full)) return 'malformed';
      if (read === 'unfinished') return 'more';
      answer = read;
      return full || isEnough(answer) ? 'done' : 'more';
    },
  };
}

function readFinal(text: string): HttpAnswer | 'unfinished' | 'malformed' {
  if (!'HTTP/1.'.startsWith(text.slice(0, 7))) return 'malformed';
  const end = text.indexOf(headersEnd);
  if (end === -1) return 'unfinished';
  const head = readHead(text.slice(0, end));
  if (head === undefined) return 'malformed';
  const rest = text.slice(end + headersEnd.length);
  return head.status < 200 ? readFinal(rest) : { ...head, body: rest };
}

function readHead(text: string): Omit<HttpAnswer, 'body'> | undefined {
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
function isEnough({ status, headers, body }: HttpAnswer): boolean {
  if (status < 400) return true;
  const length = headers.get('content-length');
  if (length !== undefined) return body.length >= Number(length);
  return headers.get('transfer-encoding') !== undefined && body.endsWith(`0${headersEnd}`);
}
