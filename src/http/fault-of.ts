import type { FastifyRequest } from 'fastify';
import { Fault, type FaultCode } from '../fault.ts';

/** The members of Fastify's and ajv's errors that are looked at. */
interface ForeignError {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly validation?: readonly ValidationFailure[];
  readonly validationContext?: string;
}

interface ValidationFailure {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string;
  readonly params?: Record<string, unknown>;
}

/** The framework's own refusals as faults of ours. Their messages are not passed on: V8's quote the body. */
const frameworkFaults: Readonly<Record<string, readonly [FaultCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', 'The body is larger than this route accepts.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['request-invalid', 'The body is not as long as Content-Length says.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['request-invalid', 'The body is not well-formed JSON.'],
  FST_ERR_BAD_URL: ['request-invalid', 'The path is not well-formed percent-encoding.'],
  FST_ERR_MAX_PARAM_LENGTH: ['request-invalid', 'A segment of the path is too long.'],
};

/** Whatever was thrown, as a fault. What nobody foresaw is `internal`, with nothing of the error in it. */
export function faultOf(error: unknown, request: FastifyRequest): Fault {
  if (error instanceof Fault) return error;
  const foreign: ForeignError = typeof error === 'object' && error !== null ? error : {};
  // Where one of several forms would do, the failure of the whole says more than that of the first form.
  const failure = foreign.validation?.find(({ keyword }) => keyword === 'anyOf') ?? foreign.validation?.[0];
  if (failure !== undefined) return invalid(failure, foreign.validationContext ?? 'body');
  if (foreign.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return unsupportedMediaType(request);
  const known = typeof foreign.code === 'string' ? frameworkFaults[foreign.code] : undefined;
  if (known !== undefined) return new Fault(known[0], known[1], { cause: error });
  if (foreign.statusCode === 404) return new Fault('route-not-found', 'Nothing is here.');
  if (typeof foreign.statusCode === 'number' && foreign.statusCode >= 400 && foreign.statusCode < 500)
    return new Fault('request-invalid', 'The request is malformed.', { cause: error });
  return new Fault('internal', 'An unexpected fault; the log has it under this request id.', {
    cause: error,
  });
}

const places: Readonly<Record<string, string>> = {
  body: 'The body',
  querystring: 'The query',
  params: 'The path',
  headers: 'The headers',
};

/** @param context `body`, `querystring`, `params` or `headers`; the field is a JSON pointer (RFC 6901) into it */
function invalid(failure: ValidationFailure, context: string): Fault {
  const field = fieldOf(failure);
  const subject = field === '' ? (places[context] ?? context) : `${places[context] ?? context}: ${field}`;
  return new Fault('request-invalid', `${subject} ${expectationOf(failure)}.`, field === '' ? {} : { field });
}

function expectationOf(failure: ValidationFailure): string {
  if (failure.keyword === 'additionalProperties') return 'must not be there: there is no such member';
  if (failure.keyword === 'anyOf') return 'has none of the accepted forms';
  const allowed = failure.params?.allowedValues;
  return `${failure.message ?? 'is not accepted'}${Array.isArray(allowed) ? `: ${allowed.join(', ')}` : ''}`;
}

function fieldOf(failure: ValidationFailure): string {
  const member =
    failure.keyword === 'required' ? failure.params?.missingProperty : failure.params?.additionalProperty;
  if (typeof member !== 'string') return failure.instancePath;
  // A member's name is the client's own text: kept short, and escaped as RFC 6901 section 3 says.
  const short = member.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1');
  return `${failure.instancePath}/${short}`;
}

function unsupportedMediaType(request: FastifyRequest): Fault {
  const body: unknown = request.routeOptions.schema?.body;
  const content = typeof body === 'object' && body !== null && 'content' in body ? body.content : undefined;
  const accepted =
    typeof content === 'object' && content !== null ? Object.keys(content) : ['application/json'];
  return new Fault('media-type-unsupported', `Send ${accepted.join(' or ')}.`);
}
