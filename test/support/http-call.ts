export interface CallOptions {
  /** The bearer token; null sends none. */
  readonly token?: string | null;
  /** An object goes as JSON; text and bytes go as they are, with the content type of `headers`. */
  readonly body?: string | Uint8Array | object;
  readonly headers?: Readonly<Record<string, string>>;
  /** The call fails after this time: a server that hangs must not hang the test. Default: 30,000. */
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  /** The body, parsed. @throws when it is not JSON */
  json(): unknown;
  /** The text at this path of the JSON body. @throws when there is none, with the whole body */
  text(...path: readonly string[]): string;
}

/** One HTTP request. @throws when the connection breaks or the answer does not come in time */
export async function callHttp(method: string, url: string, options: CallOptions = {}): Promise<Answer> {
  const { token, body, headers = {}, timeoutMs = 30_000 } = options;
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      ...(typeof token === 'string' ? { Authorization: `Bearer ${token}` } : {}),
      ...(isJson ? { 'Content-Type': 'application/json' } : {}),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : asBody(body) }),
  });
  return answerOf(response.status, response.headers, Buffer.from(await response.arrayBuffer()));
}

function asBody(body: string | object): string | Uint8Array<ArrayBuffer> {
  return typeof body === 'string' ? body : body instanceof Uint8Array ? Uint8Array.from(body) : '';
}

function answerOf(status: number, headers: Headers, body: Buffer): Answer {
  const json = (): unknown => JSON.parse(body.toString('utf8'));
  return {
    status,
    headers,
    body,
    json,
    text(...path) {
      const value = path.reduce(member, json());
      if (typeof value === 'string') return value;
      throw new Error(`no text at ${path.join('.')} of ${status} ${body.toString('utf8').slice(0, 2_000)}`);
    },
  };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
