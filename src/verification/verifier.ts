import { hash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { probeName } from '../enforcement/probe/probe-name.ts';
import type { RevocationIndex } from '../revocation/revocation-index.ts';
import { type CertificateNames, isAllowed } from './allow-rule.ts';
import { findCaller, type VerifyCaller } from './callers.ts';
import { createBoundedCache } from './certificate-cache.ts';
import { type ClientCertificate, examineCertificate, type IssuingAuthority } from './client-certificate.ts';
import type { Door } from './door.ts';
import {
  type CertificateHeader,
  readForwardedCertificate,
  UnreadableCertificate,
} from './forwarded-certificate.ts';
import type { IngressDoors } from './ingress-doors.ts';
import type { Networks } from './networks.ts';
import { ingressKeyMatches } from './verify-url.ts';

/** Why a client, or whoever asks about it, is refused. */
export type VerifyReason =
  | 'caller-unknown'
  | 'caller-ambiguous'
  | 'no-certificate'
  | 'unreadable'
  | 'not-verified'
  | 'unknown-authority'
  | 'not-a-client'
  | 'expired'
  | 'not-yet-valid'
  | 'revoked'
  | 'on-hold'
  | 'not-allowed'
  | 'probe-not-allowed'
  | 'stale';

export type Verdict =
  /** `identity`: the headers for the upstream; none where a client without a certificate may come in. */
  | { readonly admitted: true; readonly identity: Readonly<Record<string, string>> | undefined }
  | { readonly admitted: false; readonly reason: VerifyReason; readonly detail: string };

/** A question as it came in. */
export interface Question {
  /** `namespace/name` of the Ingress that it is about. */
  readonly ingress?: string | undefined;
  readonly key?: string | undefined;
  readonly caller?: string | undefined;
  /** Of the TCP connection. */
  readonly remoteAddress: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Verifier {
  /**
   * Whether the client may come in, as of now. Answers at once, without the database, for whom it knows; a certificate that it
   * has not seen yet costs one check of a signature, an Ingress that it has not a look at the records.
   * @throws Fault database-unavailable only for such an Ingress
   */
  verify(question: Question): Verdict | Promise<Verdict>;
}

export interface VerifierParts {
  readonly doors: Pick<IngressDoors, 'find' | 'findAnew'>;
  readonly callers: readonly VerifyCaller[];
  /** Of the URLs of the Ingresses. */
  readonly key: Buffer;
  /** Where such questions must come from; from anywhere when absent. */
  readonly networks?: Networks | undefined;
  readonly authorities: { list(): readonly IssuingAuthority[] };
  readonly revocations: Pick<RevocationIndex, 'lookup' | 'ageMs'>;
  readonly clock: Clock;
  readonly maxStalenessMs: number;
}

/** Of certificates whose signature was checked: some 15,000, or 30,000 small ones. */
const cacheOctets = 32 * 1024 * 1024;
/** What an entry costs besides its texts, roughly. */
const entryOctets = 600;

export function createVerifier(parts: VerifierParts): Verifier {
  const { doors, callers, key, networks, clock } = parts;
  const examined = createBoundedCache<ClientCertificate>(cacheOctets);

  function verify(question: Question): Verdict | Promise<Verdict> {
    const { ingress } = question;
    if (ingress === undefined) return verifyForCaller(question);
    if (!mayAsk(ingress, question)) return unknownCaller;
    const [namespace = '', name = ''] = ingress.split('/');
    const door = doors.find(namespace, name);
    if (door !== undefined) return verifyAt(door, question);
    return doors
      .findAnew(namespace, name)
      .then((found) => (found === undefined ? unknownCaller : verifyAt(found, question)));
  }

  function mayAsk(ingress: string, { remoteAddress, key: given = '' }: Question): boolean {
    if (networks !== undefined && !networks.include(remoteAddress)) return false;
    return ingressKeyMatches(key, ingress, given);
  }

  function verifyForCaller({ caller: name, ...question }: Question): Verdict | Promise<Verdict> {
    const { remoteAddress, headers } = question;
    const shown = headers['x-verify-key'];
    const proof = {
      remoteAddress,
      name,
      key: question.key ?? (typeof shown === 'string' ? shown : undefined),
    };
    const caller = findCaller(callers, proof);
    if (caller === 'unknown') return unknownCaller;
    if (caller === 'ambiguous')
      return refuse('caller-ambiguous', 'Several callers fit: name one by ?caller=.');
    return verifyAt(caller, question);
  }

  function verifyAt(door: Door, { headers }: Question): Verdict | Promise<Verdict> {
    if (parts.revocations.ageMs() > parts.maxStalenessMs) {
      return refuse('stale', 'What is revoked has not been known for certain for too long.');
    }
    const value = forwarded(door, headers);
    if (typeof value !== 'string') return value;
    const cacheKey = hash('sha256', `${door.header} ${value}`, 'base64');
    const known = examined.get(cacheKey);
    if (known !== undefined) return judge(known, door);
    return examine(door.header, value).then((found) => {
      if (isVerdict(found)) return found;
      examined.set(cacheKey, found, octetsOf(found));
      return judge(found, door);
    });
  }

  async function examine(header: CertificateHeader, value: string): Promise<ClientCertificate | Verdict> {
    try {
      const der = readForwardedCertificate(header, value);
      const found = await examineCertificate(der, parts.authorities.list());
      return 'reason' in found ? refuse(found.reason, found.detail) : found;
    } catch (error) {
      if (error instanceof UnreadableCertificate) return refuse('unreadable', error.message);
      throw error;
    }
  }

  /** What may change from one request to the next. */
  function judge(certificate: ClientCertificate, door: Door): Verdict {
    const { authority, serial, notBefore, notAfter, names, headers } = certificate;
    if (door.authority !== undefined && door.authority !== authority) {
      return refuse('unknown-authority', `The certificate is not one of ${door.authority}.`);
    }
    const now = clock.now();
    if (now < notBefore) return refuse('not-yet-valid', 'The certificate is not valid yet.');
    if (now > notAfter) return refuse('expired', 'The certificate has expired.');
    const revocation = parts.revocations.lookup(authority, serial);
    if (revocation?.reason === 'certificateHold') return refuse('on-hold', 'The certificate is on hold.');
    if (revocation !== undefined) {
      return refuse('revoked', `The certificate was revoked (${revocation.reason}).`);
    }
    if (door.allow !== undefined && !isAllowed(door.allow, names)) {
      return notAllowed(names);
    }
    return { admitted: true, identity: headers };
  }

  return { verify };
}

/** Our probe gets another status than for a revoked certificate: so it can tell the two apart at a door that is not for it. */
function notAllowed({ commonName }: CertificateNames): Verdict {
  const reason = commonName === probeName ? 'probe-not-allowed' : 'not-allowed';
  return refuse(reason, 'No rule of this door lets the holder of this certificate in.');
}

const unknownCaller = refuse('caller-unknown', 'Nobody who may ask has asked.');

/** What stands in the header of the door, or why that is not looked at. */
function forwarded(door: Door, headers: Question['headers']): string | Verdict {
  const verdict = door.needsTlsVerdict ? headers['ssl-client-verify'] : 'SUCCESS';
  if (verdict === 'NONE') return withoutCertificate(door);
  if (verdict !== 'SUCCESS') {
    return refuse('not-verified', 'TLS has not verified the client: the host asks for no certificate.');
  }
  const value = headers[door.header];
  if (value === undefined || value === '') return withoutCertificate(door);
  return typeof value === 'string' ? value : refuse('unreadable', 'The certificate came more than once.');
}

function withoutCertificate({ certificateRequired }: Door): Verdict {
  return certificateRequired
    ? refuse('no-certificate', 'No client certificate was forwarded.')
    : { admitted: true, identity: undefined };
}

function refuse(reason: VerifyReason, detail: string): Verdict {
  return { admitted: false, reason, detail };
}

function isVerdict(found: ClientCertificate | Verdict): found is Verdict {
  return 'admitted' in found;
}

function octetsOf({ headers, names }: ClientCertificate): number {
  let octets = entryOctets + names.subject.length;
  for (const value of Object.values(headers)) octets += value.length;
  for (const { value } of names.subjectAltNames) octets += value.length + 64;
  return octets;
}
