import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '../fault.ts';
import { type Compressor, type ContentCoding, codingsFor } from './compression.ts';
import { heldForm, isUnmodified, preconditionFails, rangeFits } from './conditional.ts';
import { type EntityTag, formatEntityTag } from './entity-tag.ts';
import { type ByteRange, parseRange } from './range.ts';
import type { Transfers } from './transfers.ts';

export interface PublicFile {
  readonly mediaType: string;
  /** Other octets have another; a weak one where another replica would have other octets that mean the same. */
  readonly tag: EntityTag;
  /** Undefined when two versions could have the same second. */
  readonly lastModified: Date | undefined;
  /** No cache may give the file out after this. */
  readonly freshUntil: Date;
  /** The longest that a cache may keep it, in seconds. */
  readonly maxAgeSeconds: number;
  /** Whether it goes out compressed to who accepts that. */
  readonly compressible: boolean;
  /** The same Buffer as long as the file is the same: what was compressed is kept with it. */
  body(): Promise<Buffer> | Buffer;
}

/** One representation of a file: as it is, or under a content coding. */
interface Form {
  readonly coding: ContentCoding | undefined;
  readonly tag: EntityTag;
}

interface Selected extends Form {
  readonly octets: Buffer;
}

export interface SendingParts {
  readonly compressor: Compressor;
  readonly transfers: Transfers;
  readonly now: number;
}

/** Above this the answer is a stream. */
const wholeOctets = 64 * 1024;

/**
 * Sends a public file as HTTP has it for caches and for who fetches a large file again: conditional requests (RFC 9110
 * section 13), one range (14), content codings (12.5.3), and a max-age that ends before `freshUntil`; past that the file goes
 * out with `no-cache`.
 * @throws Fault precondition-failed (If-Match, If-Unmodified-Since), range-not-satisfiable
 */
export async function sendPublicFile(
  file: PublicFile,
  { compressor, transfers, now }: SendingParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { headers } = request;
  const lastModified = file.lastModified?.getTime();
  if (preconditionFails(headers, { tag: file.tag, lastModified }, now))
    throw new Fault(
      'precondition-failed',
      'The file is not, or no longer, the one that the condition names.',
    );
  const forms = formsOf(file, headers['accept-encoding']);
  const held = headers['if-none-match'] && heldForm(headers['if-none-match'], forms);
  if (held) return sendNotModified(file, held, now, reply);
  const selected = await select(await file.body(), forms, compressor);
  if (isUnmodified(headers, lastModified, now)) return sendNotModified(file, selected, now, reply);
  // Range is defined for GET alone (RFC 9110 14.2).
  const fits = request.method === 'GET' && rangeFits(ifRangeOf(request), { ...selected, lastModified }, now);
  const range = fits ? parseRange(headers.range, selected.octets.length) : undefined;
  if (range === 'unsatisfiable') throw unsatisfiable(selected, reply);
  describe(file, selected, now, reply);
  const part = range === undefined ? selected.octets : selected.octets.subarray(range.start, range.end);
  describePart(file, selected, range, part, reply);
  // As a stream also where there is nothing to send: without it the answer to HEAD would have the length 0.
  if (request.method === 'HEAD') return reply.send(Readable.from([]));
  return reply.send(part.length > wholeOctets ? transfers.start(selected.octets, part) : part);
}

/** The representations that would do, the preferred one first; as it is, a file always does. */
function formsOf(file: PublicFile, acceptEncoding: string | undefined): Form[] {
  const codings = file.compressible ? codingsFor(acceptEncoding) : [];
  const coded = codings.map((coding) => ({
    coding,
    // Weak: what a coder makes of the same file differs between its versions, and between kinds of processors.
    tag: { value: `${file.tag.value}-${coding}`, weak: true },
  }));
  return [...coded, { coding: undefined, tag: file.tag }];
}

async function select(octets: Buffer, forms: readonly Form[], compressor: Compressor): Promise<Selected> {
  for (const form of forms) {
    const coded = form.coding === undefined ? octets : await compressor.compress(octets, form.coding);
    if (coded !== undefined) return { ...form, octets: coded };
  }
  throw new Error('the file has no form that is not compressed');
}

function ifRangeOf(request: FastifyRequest): string | undefined {
  const field = request.headers['if-range'];
  return typeof field === 'string' ? field : field?.[0];
}

/** The headers that a 304 has too (RFC 9110 15.4.5). */
function describe(file: PublicFile, form: Form, now: number, reply: FastifyReply): void {
  const left = Math.floor((file.freshUntil.getTime() - now) / 1000);
  const maxAge = Math.min(left, file.maxAgeSeconds);
  reply
    .header('etag', formatEntityTag(form.tag))
    .header('cache-control', maxAge > 0 ? `public, max-age=${maxAge}` : 'no-cache');
  if (file.lastModified !== undefined) reply.header('last-modified', file.lastModified.toUTCString());
  if (file.compressible) reply.header('vary', 'accept-encoding');
}

function sendNotModified(file: PublicFile, form: Form, now: number, reply: FastifyReply): FastifyReply {
  describe(file, form, now, reply);
  // A stream, since of nothing at all the answer to HEAD would say that the file has no octets.
  return reply.code(304).send(Readable.from([]));
}

/** The headers of what is sent, but of no 304 (RFC 9110 15.4.5). */
function describePart(
  file: PublicFile,
  { coding, octets }: Selected,
  range: ByteRange | undefined,
  part: Buffer,
  reply: FastifyReply,
): void {
  reply.type(file.mediaType).header('accept-ranges', 'bytes').header('content-length', part.length);
  if (coding !== undefined) reply.header('content-encoding', coding);
  if (range !== undefined)
    reply.code(206).header('content-range', `bytes ${range.start}-${range.end - 1}/${octets.length}`);
}

/** 416 says how long the file is (RFC 9110 14.4), so that the client can ask anew. */
function unsatisfiable({ octets }: Selected, reply: FastifyReply): Fault {
  reply.header('content-range', `bytes */${octets.length}`);
  return new Fault('range-not-satisfiable', `The file has ${octets.length} octets under this coding.`);
}
