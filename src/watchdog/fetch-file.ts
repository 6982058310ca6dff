import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { inSteps } from '../encoding/in-steps.ts';

/** Nobody gave us the file. `status` where there was an answer. */
export class NotFetched extends Error {
  override readonly name = 'NotFetched';
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

export interface FetchOptions {
  /** Of the file that we have: it is not sent again. */
  readonly etag?: string | undefined;
  readonly maxOctets: number;
  /** For all of it. */
  readonly timeoutMs: number;
  /** Ends it before that. */
  readonly over: AbortSignal;
  /** For our own port, whose certificate is not for a loopback address. What is fetched is signed by itself. */
  readonly anyCertificate?: boolean;
}

/** `octets` is absent when it is still the file of that tag. */
export interface FetchedFile {
  readonly octets?: Buffer;
  readonly etag?: string;
}

/**
 * One GET, on a connection of its own. No redirect is followed and no cookie or header kept: an address that was mistyped gets this one
 * request. @throws NotFetched; its message has nothing of the answer but the status
 */
export async function fetchFile(url: URL, o: FetchOptions): Promise<FetchedFile> {
  const late = AbortSignal.timeout(o.timeoutMs);
  try {
    const response = await open(url, o, AbortSignal.any([late, o.over]));
    return await read(response, o);
  } catch (error) {
    if (error instanceof NotFetched) throw error;
    throw new NotFetched(late.aborted ? `no answer within ${o.timeoutMs / 1000} s` : reasonOf(error));
  }
}

function open(
  url: URL,
  { etag, anyCertificate }: FetchOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const headers = {
    Accept: 'application/pkix-crl, */*;q=0.1',
    'Accept-Encoding': 'identity',
    'User-Agent': 'internal-ca',
    ...(etag === undefined ? {} : { 'If-None-Match': etag }),
  };
  return new Promise((resolve, reject) => {
    const options = { agent: false, headers, signal };
    const outgoing =
      url.protocol === 'https:'
        ? requestTls(url, { ...options, rejectUnauthorized: anyCertificate !== true }, resolve)
        : requestPlain(url, options, resolve);
    outgoing.on('error', reject);
    outgoing.end();
  });
}

async function read(response: IncomingMessage, o: FetchOptions): Promise<FetchedFile> {
  const { statusCode: status = 0, headers } = response;
  if (status === 304 && o.etag !== undefined) {
    response.destroy();
    return { etag: o.etag };
  }
  if (status !== 200) {
    response.destroy();
    const why = status >= 300 && status < 400 ? ', and redirects are not followed' : '';
    throw new NotFetched(`the answer has status ${status}${why}`, status);
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    // As it came: copies of a million revocations are 40 MB more for the garbage collector.
    const octets: Buffer = chunk;
    length += octets.length;
    if (length > o.maxOctets) {
      response.destroy();
      throw new NotFetched(`the answer has more than ${o.maxOctets} octets`, status);
    }
    chunks.push(octets);
  }
  return {
    octets: await join(chunks, length),
    ...(headers.etag === undefined ? {} : { etag: headers.etag }),
  };
}

async function join(chunks: readonly Buffer[], length: number): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(length);
  let at = 0;
  await inSteps(chunks, (step) => {
    whole.set(step, at);
    at += step.length;
  });
  return whole;
}

/** The code alone: a message may have the address in it, with its user info. */
function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? `it is not reachable (${code})` : 'it is not reachable';
}
