import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { chainPem } from '../../authority/chain-pem.ts';
import { Fault } from '../../fault.ts';
import type { CrlForm, CurrentCrl } from '../../revocation/crl-files.ts';
import type { CrlShard } from '../../revocation/crl-shards.ts';
import { maxShards } from '../../x509/crl-shard.ts';
import { authorityFingerprint } from '../authority-view.ts';
import type { AuthorityView, HttpParts } from '../parts.ts';
import { type PublicFile, sendPublicFile } from '../public-file.ts';
import { binaryForm, closed, Label, textForm } from '../schemas/common.ts';
import { createTransfers } from '../transfers.ts';

const pemFile = 'application/x-pem-file';
const derCertificate = 'application/pkix-cert';
const derCrl = 'application/pkix-crl';

/** A CRL is asked for again after at most this long, so that a revocation is soon seen behind caches too. */
const crlMaxAgeSeconds = 300;
const certificateMaxAgeSeconds = 86_400;

const Params = Type.Object({ name: Label }, closed);
const counts = Array.from({ length: Math.log2(maxShards) }, (_, power) => 2 ** (power + 1));
const ShardParams = Type.Object(
  {
    name: Label,
    count: Type.Enum(counts.map(String), { description: 'Into how many parts the CRL is divided.' }),
    index: Type.String({ pattern: '^(0|[1-9][0-9]{0,2})$', description: 'Which of them, from 0.' }),
  },
  closed,
);

type PublicParts = Pick<HttpParts, 'authorities' | 'crls' | 'crlShards' | 'clock' | 'compressor'>;

interface FileRoute {
  readonly url: string;
  readonly operationId: string;
  readonly summary: string;
  readonly mediaType: string;
  readonly form: object;
  file(name: string): Promise<PublicFile>;
}

/** `/ca/*` and `/crl/*`: what relying parties fetch, without a token (RFC 5280 4.2.1.13 and 4.2.2.1). */
export function publicFiles(parts: PublicParts): FastifyPluginAsyncTypebox {
  const { compressor } = parts;
  const transfers = createTransfers();
  return async (app) => {
    const options = () => ({ compressor, transfers, now: parts.clock.now() });
    for (const route of fileRoutes(parts)) {
      app.get(
        route.url,
        { config: { public: true, faults: faults(route) }, schema: { ...schemaOf(route), params: Params } },
        async (request, reply) =>
          sendPublicFile(await route.file(request.params.name), options(), request, reply),
      );
    }
    app.get(
      shardRoute.url,
      {
        config: { public: true, faults: faults(shardRoute) },
        schema: { ...schemaOf(shardRoute), params: ShardParams },
      },
      async (request, reply) => {
        const { name, count, index } = request.params;
        parts.authorities.get(name);
        const shard = await parts.crlShards?.current(name, Number(count), Number(index));
        if (shard === undefined)
          throw notOffered('The CRL is not divided here (see the setting CRL_SHARDS).');
        return sendPublicFile(shardFile(shard, parts.clock.now()), options(), request, reply);
      },
    );
  };
}

function fileRoutes(parts: PublicParts): readonly FileRoute[] {
  const now = () => parts.clock.now();
  return [
    {
      url: '/ca/:name.pem',
      operationId: 'getCaPem',
      summary: "The CA's certificate and its chain, PEM",
      mediaType: pemFile,
      form: textForm,
      file: async (name) => {
        const authority = parts.authorities.get(name);
        return { ...caFile(authority, 'pem', pemFile), body: () => Buffer.from(chainPem(authority)) };
      },
    },
    {
      url: '/ca/:name.crt',
      operationId: 'getCaDer',
      summary: "The CA's certificate, DER",
      mediaType: derCertificate,
      form: binaryForm,
      file: async (name) => {
        const authority = parts.authorities.get(name);
        return { ...caFile(authority, 'der', derCertificate), body: () => authority.certificate.der };
      },
    },
    {
      url: '/crl/:name.crl',
      operationId: 'getCrlDer',
      summary: 'The current CRL, DER',
      mediaType: derCrl,
      form: binaryForm,
      file: async (name) => {
        const crl = await parts.crls.current(name);
        return { ...crlFile(crl, crl, 'der', now()), mediaType: derCrl, body: () => crl.der };
      },
    },
    {
      url: '/crl/:name.pem',
      operationId: 'getCrlPem',
      summary: 'The current CRL, PEM',
      mediaType: pemFile,
      form: textForm,
      file: async (name) => {
        const crl = await parts.crls.current(name);
        return { ...crlFile(crl, crl, 'pem', now()), mediaType: pemFile, body: () => crl.pem() };
      },
    },
    {
      url: '/crl/:name/delta.crl',
      operationId: 'getDeltaCrl',
      summary: 'What has changed since an older CRL, DER',
      mediaType: derCrl,
      form: binaryForm,
      file: async (name) => {
        const crl = await parts.crls.current(name);
        const { delta } = crl;
        if (delta === undefined) throw notOffered('There is no delta CRL (see the setting CRL_DELTA).');
        return { ...crlFile(crl, delta, 'delta', now()), mediaType: derCrl, body: () => delta.der };
      },
    },
  ];
}

const shardRoute = {
  url: '/crl/:name/shards/:count/:index.crl',
  operationId: 'getCrlShard',
  summary: 'One part of the current CRL, DER',
  mediaType: derCrl,
  form: binaryForm,
} as const;

/** What the operation says of itself. */
type Described = Pick<FileRoute, 'url' | 'operationId' | 'summary' | 'mediaType' | 'form'>;

function faults({ url }: Described) {
  const common = [
    'request-invalid',
    'authority-not-found',
    'precondition-failed',
    'range-not-satisfiable',
  ] as const;
  if (url.startsWith('/ca/')) return common;
  const crl = [...common, 'database-unavailable'] as const;
  if (url === shardRoute.url) return [...crl, 'crl-not-offered', 'key-unavailable'] as const;
  return url.endsWith('/delta.crl') ? ([...crl, 'crl-not-offered'] as const) : crl;
}

function schemaOf({ operationId, summary, mediaType, form }: Described) {
  const content = { [mediaType]: form };
  return {
    operationId,
    tags: ['public files'],
    summary,
    response: {
      200: { description: 'The file.', headers: fileHeaders, content },
      206: { description: 'The part of it that Range names.', headers: partHeaders, content },
      304: { description: 'The client has it already (If-None-Match, If-Modified-Since).', type: 'null' },
    },
  };
}

const fileHeaders = {
  ETag: { type: 'string', description: 'For If-None-Match and If-Range.' },
  'Last-Modified': {
    type: 'string',
    description: 'When the CRL was signed, or notBefore. Absent where two CRLs could have the same second.',
  },
  'Cache-Control': { type: 'string', description: 'Ends before nextUpdate, or notAfter.' },
  'Content-Encoding': { type: 'string', description: '`zstd` or `gzip`, by Accept-Encoding.' },
};

const partHeaders = {
  ...fileHeaders,
  'Content-Range': { type: 'string', description: 'Which octets these are, and of how many.' },
};

function notOffered(detail: string): Fault {
  return new Fault('crl-not-offered', detail);
}

function caFile(authority: AuthorityView, form: string, mediaType: string): Omit<PublicFile, 'body'> {
  return {
    mediaType,
    tag: { value: `${authorityFingerprint(authority)}-${form}`, weak: false },
    lastModified: authority.certificate.notBefore,
    freshUntil: authority.certificate.notAfter,
    maxAgeSeconds: certificateMaxAgeSeconds,
    compressible: false,
  };
}

type CrlDates = Pick<CurrentCrl, 'number' | 'thisUpdate' | 'nextUpdate'>;

function crlFile(
  crl: CrlDates,
  { sha256 }: Pick<CrlForm, 'sha256'>,
  form: string,
  now: number,
): Omit<PublicFile, 'body' | 'mediaType'> {
  return { ...datesOf(crl, now), tag: { value: `${sha256}-${form}`, weak: false } };
}

function shardFile(shard: CrlShard, now: number): PublicFile {
  return {
    ...datesOf(shard, now),
    mediaType: derCrl,
    tag: { value: shard.version, weak: true },
    body: () => shard.der,
  };
}

function datesOf(crl: CrlDates, now: number): Omit<PublicFile, 'tag' | 'body' | 'mediaType'> {
  return {
    lastModified: signedAt(crl, now),
    freshUntil: crl.nextUpdate,
    maxAgeSeconds: crlMaxAgeSeconds,
    compressible: true,
  };
}

/**
 * When the CRL was signed, by its number, which is that second; of several in one second the later ones have the next. thisUpdate
 * would not do: two CRLs can have the same one, and who has the first would be told that there is no other. A date that lies
 * ahead must not be given (RFC 9110 8.8.2.1), so a CRL whose number does not come from the time has none.
 */
function signedAt({ number, thisUpdate }: CrlDates, now: number): Date | undefined {
  const time = Number(number) * 1000;
  return time >= thisUpdate.getTime() && time <= now ? new Date(time) : undefined;
}
