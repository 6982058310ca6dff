import type { FaultReason } from '../../fault.ts';
import type { JudgedCheck } from './judge.ts';

/** What a probe can find that is not as wished, or could not be seen. */
const findings = [
  { code: 'open-without-certificate', says: 'A client without a certificate was let in' },
  { code: 'unknown-authority-let-in', says: 'A certificate of an unknown CA was taken' },
  { code: 'revoked-let-in', says: 'A revoked certificate that is on no CRL was let in' },
  { code: 'ours-refused', says: 'A valid certificate of ours was refused' },
  { code: 'closed-to-everybody', says: 'Everybody is answered with 403, whatever the certificate' },
  { code: 'name-not-checked', says: 'A certificate with another commonName than the wished one was let in' },
  { code: 'allow-not-heeded', says: 'A certificate that fits none of the rules of allow was let in' },
  {
    code: 'online-unavailable',
    says: 'The door cannot ask whether a certificate is revoked, and refuses everybody',
  },
  {
    code: 'refused-without-certificate',
    says: 'A client without a certificate was refused, though it is optional',
  },
  { code: 'still-verified', says: 'A client was refused for its certificate, though nobody is to be asked' },
  { code: 'plain-http-open', says: 'Plain HTTP is answered instead of redirected or refused' },
  {
    code: 'forwarded-proto-believed',
    says: 'Plain HTTP is answered when the client sends X-Forwarded-Proto: https',
  },
  {
    code: 'plain-http-unclear',
    says: 'Over plain HTTP came an answer that need not be from the application',
  },
  { code: 'plain-http-unseen', says: 'The plain HTTP port could not be tried' },
  { code: 'door-unreachable', says: 'The TLS port could not be tried' },
  { code: 'answer-unclear', says: 'An answer does not tell whether the client got past the check' },
  {
    code: 'online-undecided',
    says: 'A valid certificate of ours got the same refusal as a revoked one, which need not be for its revocation',
  },
  {
    code: 'error-page-local',
    says: 'The error page lies on the host itself and cannot be told from the application',
  },
  {
    code: 'clock-skew',
    says: 'Our certificate was refused where the clock is more than half a minute away from ours, so it may not be valid there',
  },
] as const;

export type FindingCode = (typeof findings)[number]['code'];

/** Places that a reason names at most. */
const mostPlaces = 5;

/** One reason for each kind of finding, the contradictions first as in the list, with where and what was answered. */
export function reasonsOf(
  judged: readonly { readonly host: string; readonly checks: readonly JudgedCheck[] }[],
): FaultReason[] {
  return findings.flatMap(({ code, says }) => {
    const places = judged.flatMap(({ host, checks }) =>
      checks
        .filter(({ finding }) => finding === code)
        .map(({ check }) => `${host}, ${check.name}: ${check.detail}`),
    );
    if (places.length === 0) return [];
    const more = places.length > mostPlaces ? ` And ${places.length - mostPlaces} more.` : '';
    return [{ code, detail: `${says}. ${places.slice(0, mostPlaces).join(' ')}${more}` }];
  });
}
