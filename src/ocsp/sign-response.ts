import type { OcspCertId } from '../x509/ocsp-request.ts';
import {
  type CertStatus,
  encodeOcspResponse,
  encodeResponseData,
  type SingleResponse,
} from '../x509/ocsp-response.ts';
import type { Assessment } from './assess.ts';
import type { Responder } from './responders.ts';

export interface ResponseTimes {
  /** From now to nextUpdate. */
  readonly validitySeconds: number;
  /** thisUpdate lies this far back, for clients whose clock is behind. */
  readonly backdateSeconds: number;
}

export interface Signing {
  readonly responder: Responder;
  readonly certIds: readonly OcspCertId[];
  readonly assessment: Assessment;
  readonly nonce?: Buffer | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface SignedAnswer {
  readonly der: Buffer;
  /** Of the first certificate. */
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

/** One signature over all that was asked for. @throws Fault key-unavailable */
export async function signResponse(times: ResponseTimes, signing: Signing): Promise<SignedAnswer> {
  const { responder, certIds, assessment, nonce, now } = signing;
  const nextUpdate = wholeSeconds(Math.min(now + times.validitySeconds * 1000, responder.notAfter.getTime()));
  const responses = certIds.map(({ der }, at): SingleResponse => {
    const status = assessment.statuses[at] ?? { kind: 'unknown' };
    const thisUpdate = thisUpdateOf(status, assessment.asOf, times);
    return { certId: der, status: notAfter(status, thisUpdate), thisUpdate, nextUpdate };
  });
  const tbs = encodeResponseData({
    responderKeyHash: responder.keyHash,
    producedAt: wholeSeconds(now),
    responses,
    nonce,
  });
  const der = encodeOcspResponse({
    tbs,
    signatureAlgorithm: responder.signer.algorithm.der,
    signature: await responder.signer.sign(tbs),
    certificate: responder.certificate,
  });
  return { der, thisUpdate: responses[0]?.thisUpdate ?? wholeSeconds(now), nextUpdate };
}

/** When the status was known to be right (RFC 6960 2.4), back-dated, but not to before the revocation that it tells of. */
function thisUpdateOf(status: CertStatus, asOf: number, { backdateSeconds }: ResponseTimes): Date {
  const backdated = asOf - backdateSeconds * 1000;
  if (status.kind !== 'revoked') return wholeSeconds(backdated);
  return wholeSeconds(Math.max(backdated, Math.min(status.revokedAt.getTime(), asOf)));
}

/** What another replica has recorded by a clock that is ahead of ours is revoked by now, too. */
function notAfter(status: CertStatus, thisUpdate: Date): CertStatus {
  if (status.kind !== 'revoked' || status.revokedAt <= thisUpdate) return status;
  return { ...status, revokedAt: thisUpdate };
}

function wholeSeconds(milliseconds: number): Date {
  return new Date(Math.floor(milliseconds / 1000) * 1000);
}
