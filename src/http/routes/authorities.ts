import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { authorityView } from '../authority-view.ts';
import type { AuthorityView, HttpParts } from '../parts.ts';
import { answer, closed, Label } from '../schemas/common.ts';
import { secretView } from '../secret-view.ts';

/** `GET /v1/authorities` and `GET /v1/authorities/{name}` */
export function authorities(
  parts: Pick<HttpParts, 'authorities' | 'crls' | 'budget'>,
): FastifyPluginAsyncTypebox {
  async function view(authority: AuthorityView) {
    const crl = await parts.crls.current(authority.name);
    return {
      ...authorityView(authority, crl, authority.name === parts.authorities.default.name),
      ...secretView(parts.budget.secret()),
    };
  }
  return async (app) => {
    app.get(
      '/v1/authorities',
      {
        config: { permission: 'authorities:read' },
        schema: {
          operationId: 'listAuthorities',
          tags: ['authorities'],
          summary: 'The authorities and their CRLs',
          response: { 200: answer('Every authority.', 'AuthorityList') },
        },
      },
      async (_request, reply) => reply.send({ items: await Promise.all(parts.authorities.list().map(view)) }),
    );
    app.get(
      '/v1/authorities/:name',
      {
        config: { permission: 'authorities:read', faults: ['request-invalid', 'authority-not-found'] },
        schema: {
          operationId: 'getAuthority',
          tags: ['authorities'],
          summary: 'One authority and its CRL',
          params: Type.Object({ name: Label }, closed),
          response: { 200: answer('The authority.', 'Authority') },
        },
      },
      async (request, reply) => reply.send(await view(parts.authorities.get(request.params.name))),
    );
  };
}
