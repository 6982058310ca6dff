import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { authorise } from '../../access/permissions.ts';
import type { DetailedProbeReport } from '../../enforcement/probe/probe-report.ts';
import type { FaultCode } from '../../fault.ts';
import { callerOf } from '../authentication.ts';
import type { HttpParts } from '../parts.ts';
import { clusterFaults, kubernetesOff } from '../route-faults.ts';
import { answer, closed, Label, Subdomain } from '../schemas/common.ts';
import { formatTime } from '../values.ts';

const permission = 'client-verifications:write';
const faults: readonly FaultCode[] = [
  'request-invalid',
  'client-verification-not-found',
  'key-unavailable',
  ...clusterFaults,
];

/** Tries the door of an enforced Ingress on request. */
export function probe(parts: Pick<HttpParts, 'probe'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/v1/namespaces/:namespace/ingresses/:name/client-verification/probe',
      {
        config: { permission, faults },
        schema: {
          operationId: 'probeClientVerification',
          tags: ['client verification'],
          summary: "Try the Ingress's doors, and tell what they do",
          description:
            'Connects to every host through the controller: without a certificate, with a one-minute certificate of ours, with one of an unknown CA, where the door asks the service also with a revoked one that no CRL lists, and over plain HTTP. The verdict decides about the state `NotEnforced`.',
          params: Type.Object({ namespace: Label, name: Subdomain }, closed),
          response: { 200: answer('Each answer, and the verdict.', 'ProbeReport') },
        },
      },
      async (request, reply) => {
        const { namespace, name } = request.params;
        authorise(callerOf(request), permission, { namespace });
        if (parts.probe === undefined) {
          throw kubernetesOff();
        }
        return reply.send(reportView(await parts.probe.probe(namespace, name)));
      },
    );
  };
}

function reportView({ recordUpdatedAt: _version, probedAt, onlineProvenAt, ...report }: DetailedProbeReport) {
  return {
    ...report,
    probedAt: formatTime(probedAt),
    ...(onlineProvenAt === undefined ? {} : { onlineProvenAt: formatTime(onlineProvenAt) }),
  };
}
