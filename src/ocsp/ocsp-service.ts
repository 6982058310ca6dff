import type { Authority } from '../authority/authority.ts';
import { Fault } from '../fault.ts';
import { type OcspIssuer, ocspIssuer } from '../x509/ocsp-issuer.ts';
import { type OcspCertId, type OcspRequest, readOcspRequest } from '../x509/ocsp-request.ts';
import { type CertStatus, encodeOcspError, type OcspError } from '../x509/ocsp-response.ts';
import { X509Error } from '../x509/x509-error.ts';
import { type AssessParts, assess } from './assess.ts';
import { createCommonResponses } from './common-responses.ts';
import type { Responders } from './responders.ts';
import type { MadeResponse } from './response-cache.ts';
import { type ResponseTimes, signResponse } from './sign-response.ts';

/** What is counted: a status per certificate that was answered for, or the error. */
export type OcspOutcome = CertStatus['kind'] | OcspError;

export interface OcspAnswer {
  /** OCSPResponse, DER. */
  readonly der: Buffer;
  /** Of an answer that everybody who asks the same may have; absent: for this one alone. */
  readonly common?: Pick<MadeResponse, 'sha256' | 'thisUpdate' | 'nextUpdate'>;
}

export interface OcspService {
  /**
   * Answers an OCSPRequest. What is wrong with it, or with us, is an OCSP error in the answer (RFC 6960 4.2.1, RFC 5019 2.2.3):
   * `unauthorized` when all that is asked for was issued by others.
   * @throws Fault authority-not-found
   */
  respond(authority: string, request: Uint8Array): Promise<OcspAnswer>;
}

export interface OcspParts extends AssessParts, ResponseTimes {
  readonly authorities: readonly Pick<Authority, 'name' | 'certificate'>[];
  readonly responders: Pick<Responders, 'of'>;
  /** Whether nonces are repeated; else they are ignored (RFC 5019 2.1.1). */
  readonly nonce: boolean;
  readonly onAnswered: (outcome: OcspOutcome) => void;
  readonly onSigned: () => void;
  /** What nobody foresaw; the client is told `internalError`. */
  readonly onFailed: (error: unknown) => void;
}

export function createOcspService(parts: OcspParts): OcspService {
  const issuers = new Map(
    parts.authorities.map(({ name, certificate }) => [name, ocspIssuer(certificate)] as const),
  );
  const common = createCommonResponses({
    index: parts.index,
    clock: parts.clock,
    async sign(authority, certId) {
      const { statuses, ...signed } = await sign(parts, authority, [certId], [certId.serial]);
      return { ...signed, status: statuses[0] ?? { kind: 'unknown' } };
    },
    onNotRenewed(error) {
      if (!isOutage(error)) parts.onFailed(error);
    },
  });

  async function answer(authority: string, issuer: OcspIssuer, request: OcspRequest): Promise<OcspAnswer> {
    const { certIds, nonce } = request;
    const [first, second] = certIds;
    if (second === undefined && nonce === undefined && first?.serial !== undefined) {
      const { der, status, made } = await common(authority, first, first.serial);
      parts.onAnswered(status);
      return made === undefined ? { der } : { der, common: made };
    }
    const serials = certIds.map((certId) => (issuer(certId) ? certId.serial : undefined));
    const { der, statuses } = await sign(parts, authority, certIds, serials, nonce);
    for (const { kind } of statuses) parts.onAnswered(kind);
    return { der };
  }

  function refuse(error: OcspError): OcspAnswer {
    parts.onAnswered(error);
    return { der: encodeOcspError(error) };
  }

  return {
    async respond(authority, bytes) {
      const issuer = issuers.get(authority);
      if (issuer === undefined) {
        throw new Fault('authority-not-found', `There is no authority named ${authority}`);
      }
      const request = readOrNothing(bytes, parts.nonce);
      if (request === undefined) return refuse('malformedRequest');
      // In a request that is partly about ours, what is about others is answered with "unknown" (RFC 6960 2.2).
      if (!request.certIds.some(issuer)) return refuse('unauthorized');
      try {
        return await answer(authority, issuer, request);
      } catch (error) {
        if (isOutage(error)) return refuse('tryLater');
        parts.onFailed(error);
        return refuse('internalError');
      }
    },
  };
}

function readOrNothing(bytes: Uint8Array, nonce: boolean): OcspRequest | undefined {
  try {
    return readOcspRequest(bytes, { nonce });
  } catch (error) {
    if (error instanceof X509Error) return undefined;
    throw error;
  }
}

/** @param serials undefined where the certificate is somebody else's */
async function sign(
  parts: OcspParts,
  authority: string,
  certIds: readonly OcspCertId[],
  serials: readonly (string | undefined)[],
  nonce?: Buffer,
) {
  const assessment = await assess(parts, authority, serials);
  const responder = parts.responders.of(authority);
  if (responder === undefined) {
    throw new Fault('key-unavailable', `There is no certificate to answer for ${authority} with at present`);
  }
  parts.onSigned();
  const now = parts.clock.now();
  const signed = await signResponse(parts, { responder, certIds, assessment, nonce, now });
  return { ...signed, statuses: assessment.statuses };
}

function isOutage(error: unknown): boolean {
  return error instanceof Fault && error.status === 503;
}
