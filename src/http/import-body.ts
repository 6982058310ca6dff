import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { Fault } from '../fault.ts';
import type { HttpOptions } from './parts.ts';

/**
 * The body of an import, piece by piece as it is asked for. The service's own limits are another matter for so large a body: its size
 * is counted here, and it may take as long as the database needs, if each next piece that we wait for comes in time.
 * @throws Fault body-too-large, request-timeout, request-invalid (it broke off, or there is none)
 */
export async function* importBody(
  request: FastifyRequest,
  options: Pick<HttpOptions, 'importBodyLimitBytes' | 'requestTimeoutMilliseconds'>,
): AsyncGenerator<Buffer> {
  const stream = bodyOf(request);
  refuseLarger(Number(request.headers['content-length'] ?? 0), options);
  const pieces = stream.iterator({ destroyOnReturn: false });
  let octets = 0;
  for (;;) {
    const { done, value } = await inTime(pieces.next(), options.requestTimeoutMilliseconds);
    if (done === true) return;
    octets += value.length;
    refuseLarger(octets, options);
    yield value;
  }
}

function bodyOf({ body }: FastifyRequest): Readable {
  if (isReadable(body)) return body;
  throw new Fault('request-invalid', 'There is no body to import.');
}

/** What the parser of the route has passed on. */
function isReadable(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && 'iterator' in body;
}

function refuseLarger(
  octets: number,
  { importBodyLimitBytes }: Pick<HttpOptions, 'importBodyLimitBytes'>,
): void {
  if (octets <= importBodyLimitBytes) return;
  throw new Fault(
    'body-too-large',
    `The body is larger than ${importBodyLimitBytes} octets (IMPORT_BODY_LIMIT).`,
  );
}

async function inTime<T>(piece: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Fault('request-timeout', 'The next piece of the body did not arrive in time.')),
      milliseconds,
    );
  });
  const whole = piece.catch((cause: unknown) => {
    throw new Fault('request-invalid', 'The body broke off.', { cause });
  });
  // Nobody waits for a piece that comes after that.
  whole.catch(() => undefined);
  return await Promise.race([whole, late]).finally(() => clearTimeout(timer));
}
