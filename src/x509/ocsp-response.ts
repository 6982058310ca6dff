import {
  bitString,
  enumerated,
  objectIdentifier,
  octetString,
  sequence,
  tlv,
} from '../encoding/der-writer.ts';
import { contextConstructed, contextPrimitive } from '../encoding/tag.ts';
import { encodeExtension } from './extensions.ts';
import { ocspNonceOid } from './ocsp-request.ts';
import { type RevocationReason, reasonCodeOf } from './revocation-reason.ts';
import { encodeGeneralizedTime } from './time.ts';

/** OCSPResponseStatus (RFC 6960 4.2.1); `sigRequired` is not among them, since requests need no signature. */
const errorCodes = { malformedRequest: 1, internalError: 2, tryLater: 3, unauthorized: 6 } as const;
const SUCCESSFUL = 0;

export type OcspError = keyof typeof errorCodes;

export type CertStatus =
  | { readonly kind: 'good' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'revoked'; readonly revokedAt: Date; readonly reason: RevocationReason };

export interface SingleResponse {
  /** The request's CertID. */
  readonly certId: Buffer;
  readonly status: CertStatus;
  /** When this was known to be so; whole seconds. */
  readonly thisUpdate: Date;
  /** By when there will be something newer; whole seconds. */
  readonly nextUpdate: Date;
}

export interface ResponseData {
  /** SHA-1 of the responder's public key, without tag, length and unused bits. */
  readonly responderKeyHash: Buffer;
  readonly producedAt: Date;
  readonly responses: readonly SingleResponse[];
  /** As the request has it. */
  readonly nonce?: Buffer | undefined;
}

const BASIC_RESPONSE = objectIdentifier('1.3.6.1.5.5.7.48.1.1');

/** ResponseData (RFC 6960 4.2.1), v1: what is signed. */
export function encodeResponseData(data: ResponseData): Buffer {
  const nonce = data.nonce && sequence(encodeExtension(ocspNonceOid, false, data.nonce));
  return sequence(
    tlv(contextConstructed(2), octetString(data.responderKeyHash)),
    encodeGeneralizedTime(data.producedAt),
    sequence(...data.responses.map(encodeSingle)),
    ...(nonce ? [tlv(contextConstructed(1), nonce)] : []),
  );
}

function encodeSingle({ certId, status, thisUpdate, nextUpdate }: SingleResponse): Buffer {
  return sequence(
    certId,
    encodeStatus(status),
    encodeGeneralizedTime(thisUpdate),
    tlv(contextConstructed(0), encodeGeneralizedTime(nextUpdate)),
  );
}

function encodeStatus(status: CertStatus): Buffer {
  if (status.kind === 'good') return tlv(contextPrimitive(0));
  if (status.kind === 'unknown') return tlv(contextPrimitive(2));
  const revokedAt = encodeGeneralizedTime(status.revokedAt);
  // As in CRLs (RFC 5280 5.3.1): no reason instead of "unspecified".
  if (status.reason === 'unspecified') return tlv(contextConstructed(1), revokedAt);
  const reason = tlv(contextConstructed(0), enumerated(reasonCodeOf(status.reason)));
  return tlv(contextConstructed(1), revokedAt, reason);
}

export interface SignedResponse {
  /** Of `encodeResponseData`. */
  readonly tbs: Buffer;
  /** AlgorithmIdentifier. */
  readonly signatureAlgorithm: Buffer;
  readonly signature: Buffer;
  /** The responder's certificate, DER: clients know the CA's only. */
  readonly certificate: Buffer;
}

/** A successful OCSPResponse with a BasicOCSPResponse in it. */
export function encodeOcspResponse(response: SignedResponse): Buffer {
  const basic = sequence(
    response.tbs,
    response.signatureAlgorithm,
    bitString(response.signature),
    tlv(contextConstructed(0), sequence(response.certificate)),
  );
  const bytes = sequence(BASIC_RESPONSE, octetString(basic));
  return sequence(enumerated(SUCCESSFUL), tlv(contextConstructed(0), bytes));
}

/** An OCSPResponse that is only an error, unsigned. */
export function encodeOcspError(error: OcspError): Buffer {
  return sequence(enumerated(errorCodes[error]));
}
