import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { Fault } from '../fault.ts';
import type { Connection } from './connection.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** That it is sent twice does no harm. Reads and applies always are. */
  readonly repeatable?: boolean;
}

export interface ApiResponse {
  readonly status: number;
  readonly retryAfterSeconds?: number;
  /** The JSON that came, or the text when it was none. */
  readonly body: unknown;
}

/** HTTPS to the API server: credentials, deadlines, one retry where it is safe. Knows nothing of Kubernetes' objects. */
export interface Transport {
  /** @throws Fault `kubernetes-unavailable` when no answer came in time. */
  send(request: ApiRequest): Promise<ApiResponse>;
  /**
   * The same, but resolves at the head of a 200: the caller reads the body line by line and aborts by `signal`. Any
   * other answer is read to its end within the deadline.
   */
  open(
    request: ApiRequest,
    signal: AbortSignal,
  ): Promise<{ stream: IncomingMessage } | { refused: ApiResponse }>;
  close(): void;
}

export function createTransport(connection: Connection, o: { requestTimeoutMs: number }): Transport {
  const closing = new AbortController();

  async function attempt(api: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const credentials = await connection.credentials();
    const response = await exchange(connection.server, api, { ...credentials, signal });
    if (response.statusCode !== 401) return response;
    // A projected service-account token is replaced about every hour; the library caches the old one for a minute.
    response.resume();
    connection.refresh();
    return exchange(connection.server, api, { ...(await connection.credentials()), signal });
  }

  const late = () => new Error(`no answer within ${o.requestTimeoutMs} ms`);

  return {
    async send(api) {
      const deadline = AbortSignal.timeout(o.requestTimeoutMs);
      const signal = AbortSignal.any([deadline, closing.signal]);
      try {
        return await read(await attempt(api, signal));
      } catch (error) {
        throw unavailable(connection.server, deadline.aborted ? late() : error);
      }
    },
    async open(api, signal) {
      // The deadline is for the head only; a watch then lives for minutes.
      const head = new AbortController();
      const timer = setTimeout(() => head.abort(), o.requestTimeoutMs);
      try {
        const response = await attempt(api, AbortSignal.any([signal, closing.signal, head.signal]));
        return response.statusCode === 200 ? { stream: response } : { refused: await read(response) };
      } catch (error) {
        throw unavailable(connection.server, head.signal.aborted ? late() : error);
      } finally {
        clearTimeout(timer);
      }
    },
    close() {
      closing.abort(new Error('the client is closed'));
      connection.close();
    },
  };
}

function exchange(server: URL, api: ApiRequest, options: RequestOptions): Promise<IncomingMessage> {
  const url = new URL(server.pathname.replace(/\/$/, '') + api.path, server);
  for (const [key, value] of Object.entries(api.query ?? {})) {
    if (value !== undefined) url.searchParams.set(key, value);
  }
  const body = api.body === undefined ? undefined : Buffer.from(JSON.stringify(api.body));
  const headers = {
    ...options.headers,
    Accept: api.accept ?? 'application/json',
    'User-Agent': 'internal-ca',
    ...(body === undefined
      ? {}
      : { 'Content-Type': api.contentType ?? 'application/json', 'Content-Length': body.length }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { ...options, method: api.method, headers }, resolve);
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // A kept-alive connection that the server closed at this very moment: the request was never read.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET' && isRepeatable(api)) {
        resolve(exchange(server, api, options));
      } else {
        reject(error);
      }
    });
    outgoing.end(body);
  });
}

function isRepeatable(api: ApiRequest): boolean {
  return (
    api.repeatable === true || api.method === 'GET' || api.contentType === 'application/apply-patch+yaml'
  );
}

async function read(response: IncomingMessage): Promise<ApiResponse> {
  // Kubernetes sends seconds; a date of some proxy in between is not understood.
  const retryAfter = Number(response.headers['retry-after']);
  return {
    status: response.statusCode ?? 0,
    ...(Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : {}),
    body: parseBody(await readAll(response)),
  };
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function unavailable(server: URL, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const cause = error instanceof Error ? error.message : String(error);
  return new Fault(
    'kubernetes-unavailable',
    `The Kubernetes API at ${server.origin} did not answer: ${cause}`,
    {
      cause: error,
    },
  );
}
