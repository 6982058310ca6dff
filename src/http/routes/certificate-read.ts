import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { chainPem } from '../../authority/chain-pem.ts';
import { encodePem } from '../../encoding/pem.ts';
import { Fault } from '../../fault.ts';
import { callerOf, callerPermits } from '../authentication.ts';
import { certificateSummary } from '../certificate-view.ts';
import { negotiate } from '../negotiation.ts';
import type { HttpParts } from '../parts.ts';
import { answer, binaryForm, closed, SerialText, textForm } from '../schemas/common.ts';
import { normaliseSerial } from '../values.ts';

const pemChain = 'application/pem-certificate-chain';
const pemFile = 'application/x-pem-file';
const derFile = 'application/pkix-cert';

/** `GET /v1/certificates/{serial}`: one certificate as JSON, PEM or DER. */
export function certificateRead(
  parts: Pick<HttpParts, 'certificates' | 'authorities' | 'clock'>,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/certificates/:serial',
      {
        config: {
          permission: 'certificates:read-own',
          faults: ['request-invalid', 'certificate-not-found', 'not-acceptable'],
        },
        schema: {
          operationId: 'getCertificate',
          tags: ['certificates'],
          summary: 'Read one certificate',
          description:
            'JSON, the certificate with its chain (`application/pem-certificate-chain`), the certificate alone in PEM (`application/x-pem-file`) or in DER (`application/pkix-cert`), by `Accept`. An issuer finds only what it issued itself.',
          params: Type.Object({ serial: SerialText }, closed),
          response: {
            200: {
              ...answer('The certificate and its state.', 'Certificate'),
              content: {
                ...answer('', 'Certificate').content,
                [pemChain]: textForm,
                [pemFile]: textForm,
                [derFile]: binaryForm,
              },
            },
          },
        },
      },
      async (request, reply) => {
        const form = negotiate(request.headers.accept, ['application/json', pemChain, pemFile, derFile]);
        const record = await parts.certificates.findBySerial(normaliseSerial(request.params.serial));
        const mayRead =
          callerPermits(request, 'certificates:read') || record?.requester === callerOf(request).id;
        if (record === undefined || !mayRead)
          throw new Fault('certificate-not-found', 'There is no certificate with this serial.');
        reply.header('vary', 'Accept').type(form);
        if (form === derFile) return reply.send(record.der);
        const certificate = encodePem('CERTIFICATE', record.der);
        if (form === pemFile) return reply.send(certificate);
        const chain = chainPem(parts.authorities.get(record.authority));
        if (form === pemChain) return reply.send(certificate + chain);
        return reply.send({ ...certificateSummary(record, parts.clock.now()), certificate, chain });
      },
    );
  };
}
