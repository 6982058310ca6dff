import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { chainPem } from '../../authority/chain-pem.ts';
import { authorityFingerprint } from '../authority-view.ts';
import type { AuthorityView, HttpParts } from '../parts.ts';
import { type PublicFile, sendPublicFile } from '../public-file.ts';
import { binaryForm, closed, Label, textForm } from '../schemas/common.ts';

const pemFile = 'application/x-pem-file';
const derCertificate = 'application/pkix-cert';
const derCrl = 'application/pkix-crl';

/** A CRL is asked for again after at most this long, so that a revocation is soon seen behind caches too. */
const crlMaxAgeSeconds = 300;
const certificateMaxAgeSeconds = 86_400;

const Params = Type.Object({ name: Label }, closed);

interface FileRoute {
  readonly url: string;
  readonly operationId: string;
  readonly summary: string;
  readonly mediaType: string;
  readonly form: object;
  file(name: string): Promise<PublicFile>;
}

/** `/ca/*` and `/crl/*`: what relying parties fetch, without a token (RFC 5280 4.2.1.13 and 4.2.2.1). */
export function publicFiles(
  parts: Pick<HttpParts, 'authorities' | 'crls' | 'clock'>,
): FastifyPluginAsyncTypebox {
  const routes: readonly FileRoute[] = [
    {
      url: '/ca/:name.pem',
      operationId: 'getCaPem',
      summary: "The CA's certificate and its chain, PEM",
      mediaType: pemFile,
      form: textForm,
      file: async (name) => {
        const authority = parts.authorities.get(name);
        return { ...caFile(authority, 'pem', pemFile), body: () => chainPem(authority) };
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
        return { ...crlFile(crl, 'der', derCrl), body: () => crl.der };
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
        return { ...crlFile(crl, 'pem', pemFile), body: () => crl.pem() };
      },
    },
  ];
  return async (app) => {
    for (const { url, operationId, summary, mediaType, form, file } of routes) {
      app.get(
        url,
        {
          config: { public: true, faults: ['request-invalid', 'authority-not-found'] },
          schema: {
            operationId,
            tags: ['public files'],
            summary,
            params: Params,
            response: {
              200: { description: 'The file.', headers: fileHeaders, content: { [mediaType]: form } },
              304: { description: 'The client has it already (If-None-Match).', type: 'null' },
            },
          },
        },
        async (request, reply) =>
          sendPublicFile(await file(request.params.name), parts.clock.now(), request, reply),
      );
    }
  };
}

const fileHeaders = {
  ETag: { type: 'string', description: 'For If-None-Match.' },
  'Last-Modified': { type: 'string', description: 'thisUpdate, or notBefore.' },
  'Cache-Control': { type: 'string', description: 'Ends before nextUpdate, or notAfter.' },
};

function caFile(authority: AuthorityView, form: string, mediaType: string): Omit<PublicFile, 'body'> {
  return {
    mediaType,
    tag: `${authorityFingerprint(authority)}-${form}`,
    lastModified: authority.certificate.notBefore,
    freshUntil: authority.certificate.notAfter,
    maxAgeSeconds: certificateMaxAgeSeconds,
  };
}

function crlFile(
  crl: { readonly sha256: string; readonly thisUpdate: Date; readonly nextUpdate: Date },
  form: string,
  mediaType: string,
): Omit<PublicFile, 'body'> {
  return {
    mediaType,
    tag: `${crl.sha256}-${form}`,
    lastModified: crl.thisUpdate,
    freshUntil: crl.nextUpdate,
    maxAgeSeconds: crlMaxAgeSeconds,
  };
}
