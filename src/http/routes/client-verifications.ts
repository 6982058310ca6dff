import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { authorise, permits } from '../../access/permissions.ts';
import type { EnforcementService } from '../../enforcement/enforcement-service.ts';
import type { ClientVerification } from '../../enforcement/verification.ts';
import type { FaultCode } from '../../fault.ts';
import { callerOf } from '../authentication.ts';
import type { HttpParts } from '../parts.ts';
import { clusterFaults, kubernetesOff } from '../route-faults.ts';
import { ClientVerificationWish } from '../schemas/client-verification.ts';
import { answer, closed, Label, Subdomain } from '../schemas/common.ts';
import { formatTime } from '../values.ts';

const path = '/v1/namespaces/:namespace/ingresses/:name/client-verification';
const Params = Type.Object({ namespace: Label, name: Subdomain }, closed);
const read = 'client-verifications:read';
const write = 'client-verifications:write';
const tags = ['client verification'];
const pathFaults: readonly FaultCode[] = [
  'request-invalid',
  'client-verification-not-found',
  ...clusterFaults,
];

/** Makes an Ingress verify its clients, tells how it stands, and takes it back. */
export function clientVerifications(parts: Pick<HttpParts, 'enforcement'>): FastifyPluginAsyncTypebox {
  function enforcement(): EnforcementService {
    if (parts.enforcement !== undefined) return parts.enforcement;
    throw kubernetesOff();
  }
  return async (app) => {
    app.put(
      path,
      {
        config: { permission: write, faults: enforceFaults },
        preValidation: async (request) => {
          // No body at all asks for the defaults.
          if (request.body === undefined) request.body = {};
        },
        schema: {
          operationId: 'enforceClientVerification',
          tags,
          summary: 'Make an Ingress refuse clients without a valid certificate',
          description:
            'First the Secret in the namespace, then the annotations in one write; on any failure the Ingress is as it was. What other field managers hold is taken over. An Ingress that asks by its own annotation is a 409 with the reason `declared-by-annotation`, here and for DELETE. `dryRun=true` checks everything and writes nothing.',
          params: Params,
          querystring: Type.Object({ dryRun: Type.Optional(Type.Boolean({ default: false })) }, closed),
          body: ClientVerificationWish,
          response: { 200: answer('What was written, and what stood there before.', 'ClientVerification') },
        },
      },
      async (request, reply) => {
        const { namespace, name } = request.params;
        const caller = callerOf(request);
        authorise(caller, write, { namespace });
        const how = { dryRun: request.query.dryRun ?? false, requester: caller.id };
        return reply.send(verificationView(await enforcement().enforce(namespace, name, request.body, how)));
      },
    );
    app.get(
      path,
      {
        config: { permission: read, faults: pathFaults },
        schema: {
          operationId: 'getClientVerification',
          tags,
          summary: 'How one Ingress stands: wanted and observed',
          params: Params,
          response: { 200: answer('The state, read just now.', 'ClientVerification') },
        },
      },
      async (request, reply) => {
        const { namespace, name } = request.params;
        authorise(callerOf(request), read, { namespace });
        return reply.send(verificationView(await enforcement().state(namespace, name)));
      },
    );
    app.delete(
      path,
      {
        config: { permission: write, faults: [...pathFaults, 'conflict'] },
        schema: {
          operationId: 'undoClientVerification',
          tags,
          summary: 'Restore what stood before',
          params: Params,
          response: { 200: answer('What was restored.', 'ClientVerification') },
        },
      },
      async (request, reply) => {
        const { namespace, name } = request.params;
        const caller = callerOf(request);
        authorise(caller, write, { namespace });
        return reply.send(
          verificationView(await enforcement().undo(namespace, name, { requester: caller.id })),
        );
      },
    );
    app.get(
      '/v1/client-verifications',
      {
        config: { permission: read, faults: clusterFaults },
        schema: {
          operationId: 'listClientVerifications',
          tags,
          summary: 'Every enforced Ingress and its state',
          description: 'An enforcer sees the namespaces of its own grant.',
          response: { 200: answer('Every one the caller may see.', 'ClientVerificationList') },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const all = await enforcement().list();
        const seen = all.filter(({ namespace }) => permits(caller, read, { namespace }));
        return reply.send({ items: seen.map(verificationView) });
      },
    );
  };
}

const enforceFaults: readonly FaultCode[] = [
  'request-invalid',
  'namespace-not-found',
  'ingress-not-found',
  'authority-not-found',
  'ingress-unsafe',
  'publication-refused',
  'conflict',
  ...clusterFaults,
];

function verificationView(verification: ClientVerification) {
  const { observed, createdAt, updatedAt, ...rest } = verification;
  const { secret, probe, ...seen } = observed;
  return {
    ...rest,
    observed: {
      ...seen,
      ...(secret === undefined ? {} : { secret: secretView(secret) }),
      ...(probe === undefined ? {} : { probe: probeView(probe) }),
    },
    createdAt: formatTime(createdAt),
    updatedAt: formatTime(updatedAt),
  };
}

function probeView(probe: NonNullable<ClientVerification['observed']['probe']>) {
  const { onlineProvenAt, probedAt, ...rest } = probe;
  return {
    ...rest,
    probedAt: formatTime(probedAt),
    ...(onlineProvenAt === undefined ? {} : { onlineProvenAt: formatTime(onlineProvenAt) }),
  };
}

function secretView(secret: NonNullable<ClientVerification['observed']['secret']>) {
  const { writtenAt, ...rest } = secret;
  return { ...rest, ...(writtenAt === undefined ? {} : { writtenAt: formatTime(writtenAt) }) };
}
