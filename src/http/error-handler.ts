import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Fault, faultCatalogue } from '../fault.ts';
import { faultOf } from './fault-of.ts';
import type { HttpParts } from './parts.ts';
import { problemHeaders, problemOf } from './problem.ts';

/** Every error of the HTTP layer ends here, and leaves as one problem document (RFC 9457). */
export function createErrorHandler(
  metrics: Pick<HttpParts['metrics'], 'authenticationRefused' | 'certificateRefused'>,
) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const fault = faultOf(error, request);
    if (fault.code === 'unauthenticated' || fault.code === 'forbidden')
      metrics.authenticationRefused(fault.code);
    if (request.routeOptions.config?.countsRefusals === true) metrics.certificateRefused(fault.code);
    if (fault.status >= 500) request.log.error({ err: fault }, `${fault.code}: ${fault.message}`);
    request.fault = fault;
    return sendProblem(fault, request, reply);
  };
}

export function sendProblem(fault: Fault, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(fault, faultCatalogue[fault.code].title, request.id);
  // A string goes out as it is: no serializer of the route can drop a member or fail.
  return reply.code(fault.status).headers(problemHeaders(fault)).send(JSON.stringify(problem));
}
