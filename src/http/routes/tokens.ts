import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import { isLive } from '../../access/authenticator.ts';
import type { Grant } from '../../access/caller.ts';
import { limitFaultOf } from '../../access/grant-limits.ts';
import type { TokenRecord } from '../../access/token-store.ts';
import { Fault } from '../../fault.ts';
import { callerOf } from '../authentication.ts';
import type { HttpParts } from '../parts.ts';
import { answer, closed } from '../schemas/common.ts';
import { NewTokenSchema } from '../schemas/token.ts';
import { formatTime, parseTime, parseValidity } from '../values.ts';

const Params = Type.Object({ id: Type.String({ pattern: '^[a-z0-9]{1,32}$' }) }, closed);
const tags = ['tokens'];

/** `POST`, `GET` and `DELETE /v1/tokens` */
export function tokens(parts: Pick<HttpParts, 'tokens' | 'clock'>): FastifyPluginAsyncTypebox {
  const view = (record: TokenRecord) => tokenView(record, parts.clock.now());
  return async (app) => {
    app.post(
      '/v1/tokens',
      {
        config: { permission: 'tokens:manage', faults: ['request-invalid', 'conflict'] },
        schema: {
          operationId: 'createToken',
          tags,
          summary: 'Make a token',
          description: 'The answer is the only place where the token itself is shown.',
          body: NewTokenSchema,
          response: {
            201: answer('The token.', 'CreatedToken', {
              headers: { Location: { type: 'string', description: 'Where it can be read.' } },
            }),
          },
        },
      },
      async (request, reply) => {
        const { name, grants } = request.body;
        const expiresAt = expiryOf(request.body, parts.clock.now());
        const wish = {
          name,
          grants: grants.map(checkGrant),
          ...(expiresAt === undefined ? {} : { expiresAt }),
        };
        const { record, token } = await parts.tokens.create(wish, callerOf(request));
        return reply
          .code(201)
          .header('location', `/v1/tokens/${record.id}`)
          .send({ ...view(record), token });
      },
    );
    app.get(
      '/v1/tokens',
      {
        config: { permission: 'tokens:manage' },
        schema: {
          operationId: 'listTokens',
          tags,
          summary: 'Every token, oldest first, without secrets',
          response: { 200: answer('Every token.', 'TokenList') },
        },
      },
      async (_request, reply) => reply.send({ items: (await parts.tokens.list()).map(view) }),
    );
    app.get(
      '/v1/tokens/:id',
      {
        config: { permission: 'tokens:manage', faults: ['request-invalid', 'token-not-found'] },
        schema: {
          operationId: 'getToken',
          tags,
          summary: 'One token, without its secret',
          params: Params,
          response: { 200: answer('The token.', 'Token') },
        },
      },
      async (request, reply) => reply.send(view(await parts.tokens.find(request.params.id))),
    );
    app.delete(
      '/v1/tokens/:id',
      {
        config: { permission: 'tokens:manage', faults: ['request-invalid', 'token-not-found', 'conflict'] },
        schema: {
          operationId: 'revokeToken',
          tags,
          summary: 'Revoke a token for ever',
          description:
            'Idempotent. It holds at once in the process that answers and within 5 seconds in others. The token of an administrator stays while no other administrator has one that does not expire, unless ADMIN_TOKEN is set.',
          params: Params,
          response: { 204: { description: 'It is revoked.', type: 'null' } },
        },
      },
      async (request, reply) => {
        await parts.tokens.revoke(request.params.id);
        return reply.code(204).send(null);
      },
    );
  };
}

type NewTokenBody = Static<typeof NewTokenSchema>;

function checkGrant(grant: NewTokenBody['grants'][number], index: number): Grant {
  const fault = limitFaultOf(grant);
  if (fault === undefined) return grant;
  throw new Fault('request-invalid', fault.detail, { field: `/grants/${index}/${fault.member}` });
}

function expiryOf(body: NewTokenBody, now: number): Date | undefined {
  if (body.expiresAt !== undefined && body.expiresIn !== undefined)
    throw new Fault('request-invalid', 'Give either expiresAt or expiresIn.', { field: '/expiresIn' });
  if (body.expiresAt !== undefined) return parseTime(body.expiresAt, '/expiresAt');
  if (body.expiresIn !== undefined) return new Date(now + parseValidity(body.expiresIn, '/expiresIn') * 1000);
  return undefined;
}

function tokenView(record: TokenRecord, now: number) {
  const { id, name, grants, createdBy, expiresAt, revokedAt } = record;
  return {
    id,
    name,
    grants,
    state: revokedAt !== undefined ? 'revoked' : isLive(record, now) ? 'active' : 'expired',
    createdAt: formatTime(record.createdAt),
    createdBy,
    ...(expiresAt === undefined ? {} : { expiresAt: formatTime(expiresAt) }),
    ...(revokedAt === undefined ? {} : { revokedAt: formatTime(revokedAt) }),
  };
}
