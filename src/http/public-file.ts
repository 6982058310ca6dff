import type { FastifyReply, FastifyRequest } from 'fastify';

export interface PublicFile {
  readonly mediaType: string;
  /** Strong validator, without quotes; other bytes have another. */
  readonly tag: string;
  readonly lastModified: Date;
  /** No cache may give the file out after this. */
  readonly freshUntil: Date;
  /** The longest that a cache may keep it, in seconds. */
  readonly maxAgeSeconds: number;
  body(): Promise<Buffer | string> | Buffer | string;
}

/**
 * Sends a public file with what caches need: ETag, Last-Modified and a max-age that ends before `freshUntil`; 304 when
 * the client has it (RFC 9110 13.1.2). A file past that time goes out with `no-cache`.
 */
export async function sendPublicFile(
  file: PublicFile,
  now: number,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const left = Math.floor((file.freshUntil.getTime() - now) / 1000);
  const maxAge = Math.min(left, file.maxAgeSeconds);
  reply
    .header('etag', `"${file.tag}"`)
    .header('last-modified', file.lastModified.toUTCString())
    .header('cache-control', maxAge > 0 ? `public, max-age=${maxAge}` : 'no-cache');
  if (matches(request.headers['if-none-match'], file.tag)) return reply.code(304).send();
  return reply.type(file.mediaType).send(await file.body());
}

/** The weak comparison, as If-None-Match asks for (RFC 9110 13.1.2 and 8.8.3.2). */
function matches(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === `"${tag}"`);
}
