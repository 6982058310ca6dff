import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { KnownRevocation, RevocationIndex } from '../revocation/revocation-index.ts';
import type { OcspCertId } from '../x509/ocsp-request.ts';
import type { CertStatus } from '../x509/ocsp-response.ts';
import { createResponseCache, type MadeResponse } from './response-cache.ts';
import type { SignedAnswer } from './sign-response.ts';

/** Some 20,000 answers. */
const mostOctets = 32 * 1024 * 1024;

/** An answer about one certificate. */
export interface OneAnswer extends SignedAnswer {
  readonly status: CertStatus;
}

export interface CommonResponsesParts {
  readonly index: Pick<RevocationIndex, 'lookup'>;
  readonly clock: Clock;
  /** Makes an answer without a nonce. @throws Fault */
  sign(authority: string, certId: OcspCertId): Promise<OneAnswer>;
  /** An answer could not be made ahead; the one before stays in force. */
  onNotRenewed(error: unknown): void;
}

/** An answer that everybody who asks for the same may have. */
export interface CommonResponse {
  readonly der: Buffer;
  readonly status: CertStatus['kind'];
  /** Absent: of a certificate that is not known, which may be issued next. */
  readonly made?: MadeResponse;
}

/** @throws Fault as `sign` does */
export type CommonResponses = (
  authority: string,
  certId: OcspCertId,
  serial: string,
) => Promise<CommonResponse>;

/**
 * Answers that are signed once for all who ask. Each time that one is given out, it is held against what is known of
 * revocations now, so none can outlive its truth here. After half of its time it is made anew behind the back of whoever asks,
 * so that for what is often asked there is always one.
 */
export function createCommonResponses(parts: CommonResponsesParts): CommonResponses {
  const { index, clock } = parts;
  const cache = createResponseCache(mostOctets);
  const making = new Map<string, Promise<CommonResponse>>();

  async function make(
    key: string,
    authority: string,
    certId: OcspCertId,
    serial: string,
  ): Promise<CommonResponse> {
    for (;;) {
      const answer = await parts.sign(authority, certId);
      const { status } = answer;
      if (status.kind === 'unknown') return { der: answer.der, status: 'unknown' };
      const revocation = status.kind === 'revoked' ? status : undefined;
      // Revoked, or released, while it was being signed.
      if (!same(revocation, index.lookup(authority, serial))) continue;
      const made = toMade(answer, serial, revocation, clock.now());
      cache.set(key, made);
      return { der: made.der, status: status.kind, made };
    }
  }

  /** Those who ask for the same at the same time wait for one signature. */
  function makeOnce(
    key: string,
    authority: string,
    certId: OcspCertId,
    serial: string,
  ): Promise<CommonResponse> {
    const others = making.get(key);
    if (others !== undefined) return others;
    const own = make(key, authority, certId, serial).finally(() => making.delete(key));
    making.set(key, own);
    return own;
  }

  return async (authority, certId, serial) => {
    const key = `${authority}/${certId.der.toString('latin1')}`;
    const made = cache.get(key);
    const now = clock.now();
    const holds =
      made !== undefined &&
      now < made.nextUpdate.getTime() &&
      same(made.revocation, index.lookup(authority, serial));
    if (!holds) return await makeOnce(key, authority, certId, serial);
    if (now >= made.renewAt) makeOnce(key, authority, certId, serial).catch(parts.onNotRenewed);
    return { der: made.der, status: made.revocation === undefined ? 'good' : 'revoked', made };
  };
}

function toMade(
  { der, thisUpdate, nextUpdate }: OneAnswer,
  serial: string,
  revocation: KnownRevocation | undefined,
  now: number,
): MadeResponse {
  const sha256 = createHash('sha256').update(der).digest('hex');
  const renewAt = now + (nextUpdate.getTime() - now) / 2;
  return { der, sha256, serial, revocation, thisUpdate, nextUpdate, renewAt };
}

function same(a: KnownRevocation | undefined, b: KnownRevocation | undefined): boolean {
  return a?.reason === b?.reason && a?.revokedAt.getTime() === b?.revokedAt.getTime();
}
