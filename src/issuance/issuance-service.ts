import { createHash, randomBytes } from 'node:crypto';
import type { Authority, AuthorityRegistry } from '../authority/authority.ts';
import { chainPem } from '../authority/chain-pem.ts';
import type { Clock } from '../clock.ts';
import { encodePem } from '../encoding/pem.ts';
import { Fault } from '../fault.ts';
import type { CertificateRecord, CertificateStore } from '../store/certificates.ts';
import { readCertificate } from '../x509/certificate.ts';
import { assembleSigned, fillTemplate } from '../x509/certificate-template.ts';
import {
  type CertificationRequest,
  csrDerFromBytes,
  readCertificationRequest,
  verifyCertificationRequest,
} from '../x509/certification-request.ts';
import { formatGeneralName } from '../x509/general-name.ts';
import { checkPublicKey } from '../x509/key-policy.ts';
import { commonNameOf, formatName } from '../x509/name.ts';
import { spkiSha256, subjectKeyIdentifier } from '../x509/public-key.ts';
import { serialFromRandom } from '../x509/serial.ts';
import { checkNotAuthority, checkSubject, checkSubjectAltNames } from './check-names.ts';
import { type IssuedCertificate, issuedFromRecord } from './issued-certificate.ts';
import { notHonouredOf } from './not-honoured.ts';
import type { Profile } from './profile.ts';
import { requestHash } from './request-hash.ts';
import { type GrantedExtensions, grantExtensions } from './requested-extensions.ts';
import type { TemplateSource } from './templates.ts';
import { decideValidity } from './validity.ts';
import { x509ErrorsAsFaults } from './x509-faults.ts';

/** A request to sign. Whoever calls has been authorised for the profile already. */
export interface IssueRequest {
  /** PEM or DER, at most 32 KiB. */
  readonly csr: Uint8Array;
  /** Default `client`. */
  readonly profile?: string;
  readonly validitySeconds?: number;
  /** Default: the registry's default. */
  readonly authority?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The caller's id, kept in the row. */
  readonly requester: string;
  readonly idempotencyKey?: string;
}

export interface IssuanceService {
  /**
   * Signs a CSR. The certificate is returned only after its row has committed (rule 1).
   * @throws Fault one of the CSR's, key's and profile's faults (4xx), idempotency-key-reused, database-unavailable
   */
  issue(request: IssueRequest): Promise<IssuedCertificate>;
  profiles(): readonly Profile[];
}

export interface IssuanceParts {
  readonly authorities: AuthorityRegistry;
  readonly certificates: Pick<CertificateStore, 'insert' | 'findByIdempotencyKey'>;
  readonly profiles: readonly Profile[];
  readonly templates: TemplateSource;
  readonly clock: Clock;
  /** How far notBefore lies before now, in seconds. */
  readonly backdateSeconds: number;
}

export const defaultProfile = 'client';

export function createIssuanceService(parts: IssuanceParts): IssuanceService {
  const profiles = new Map(parts.profiles.map((profile) => [profile.name, profile]));
  return {
    profiles: () => parts.profiles,
    issue: (request) =>
      x509ErrorsAsFaults(async () => {
        const der = csrDerFromBytes(request.csr);
        const hash = request.idempotencyKey === undefined ? undefined : requestHash(der, request);
        if (hash !== undefined) {
          const earlier = await replay(parts, request, hash, der);
          if (earlier !== undefined) return earlier;
        }
        const profile = profileOf(profiles, request.profile ?? defaultProfile);
        const authority =
          request.authority === undefined
            ? parts.authorities.default
            : parts.authorities.get(request.authority);
        const csr = readCertificationRequest(der);
        const granted = checkRequest(csr, profile, authority);
        await verifyCertificationRequest(csr);
        const signing = { request, hash, profile, authority, csr, granted };
        return await keep(parts, signing, await sign(parts, signing));
      }),
  };
}

function profileOf(profiles: ReadonlyMap<string, Profile>, name: string): Profile {
  const profile = profiles.get(name);
  if (profile !== undefined) return profile;
  throw new Fault(
    'profile-unknown',
    `There is no profile ${name}; there are ${[...profiles.keys()].join(', ')}`,
    {
      field: 'profile',
    },
  );
}

/**
 * Everything about a CSR that costs little, before its signature is checked: an RSA key of absurd size is refused
 * by its length and never reaches the arithmetic.
 */
function checkRequest(csr: CertificationRequest, profile: Profile, authority: Authority): GrantedExtensions {
  checkNotAuthority(csr.subject, authority.certificate.subject);
  checkPublicKey(csr.publicKey, profile.keys);
  checkSubject(csr.subject, profile);
  const granted = grantExtensions(csr, profile);
  checkSubjectAltNames(csr.subject, granted.subjectAltName, profile);
  return granted;
}

interface Signing {
  readonly request: IssueRequest;
  readonly hash: Buffer | undefined;
  readonly profile: Profile;
  readonly authority: Authority;
  readonly csr: CertificationRequest;
  readonly granted: GrantedExtensions;
}

async function sign(parts: IssuanceParts, signing: Signing): Promise<CertificateRecord> {
  const { request, profile, authority, csr, granted } = signing;
  const now = parts.clock.now();
  const { notBefore, notAfter } = decideValidity(
    request.validitySeconds,
    profile,
    authority,
    now,
    parts.backdateSeconds,
  );
  const serial = serialFromRandom(randomBytes(16));
  const tbs = fillTemplate(parts.templates(authority, granted, serial), {
    serial,
    notBefore,
    notAfter,
    subject: csr.subject.der,
    spki: csr.publicKey.der,
    subjectKeyId: subjectKeyIdentifier(csr.publicKey),
    // RFC 5280 4.1.2.6: with an empty subject the names are all there is, so the extension is critical.
    ...(granted.subjectAltNameDer === undefined
      ? {}
      : { subjectAltName: { der: granted.subjectAltNameDer, critical: csr.subject.rdns.length === 0 } }),
  });
  const der = assembleSigned(tbs, authority.signer.algorithm.der, await authority.signer.sign(tbs));
  return {
    serial: serial.toString('hex'),
    authority: authority.name,
    profile: profile.name,
    subject: formatName(csr.subject),
    commonName: commonNameOf(csr.subject) ?? null,
    sans: granted.subjectAltName.map(formatGeneralName),
    notBefore,
    notAfter,
    requester: request.requester,
    spkiSha256: spkiSha256(csr.publicKey),
    fingerprint: createHash('sha256').update(der).digest('hex'),
    der,
    metadata: request.metadata ?? {},
    createdAt: new Date(now),
    ...(signing.hash === undefined || request.idempotencyKey === undefined
      ? {}
      : { idempotency: { key: request.idempotencyKey, requestHash: signing.hash } }),
  };
}

/** Commits the row, then and only then hands the certificate out. */
async function keep(
  parts: IssuanceParts,
  { request, hash, authority, csr, granted }: Signing,
  record: CertificateRecord,
): Promise<IssuedCertificate> {
  const outcome = await parts.certificates.insert(record);
  if (outcome === 'inserted') {
    return issuedFromRecord(record, encodePem('CERTIFICATE', record.der), chainPem(authority), {
      notHonoured: notHonouredOf(csr, granted.keyUsage),
      replayed: false,
    });
  }
  if (outcome === 'key-blocked') {
    throw new Fault(
      'key-blocked',
      'A certificate with this key was revoked for key compromise; make a new key',
      {
        field: 'csr.publicKey',
      },
    );
  }
  // Two requests with the same key ran side by side; the other one's row won.
  const earlier = hash === undefined ? undefined : await replay(parts, request, hash, csr.der);
  if (earlier !== undefined) return earlier;
  throw new Error('the store reported an idempotency conflict and then held no row for the key');
}

async function replay(
  parts: IssuanceParts,
  request: IssueRequest,
  hash: Buffer,
  csrDer: Buffer,
): Promise<IssuedCertificate | undefined> {
  if (request.idempotencyKey === undefined) return undefined;
  const earlier = await parts.certificates.findByIdempotencyKey(request.requester, request.idempotencyKey);
  if (earlier === undefined) return undefined;
  if (!earlier.requestHash.equals(hash)) {
    throw new Fault('idempotency-key-reused', 'This Idempotency-Key was used with another request', {
      field: 'Idempotency-Key',
    });
  }
  const authority = parts.authorities.get(earlier.authority);
  return issuedFromRecord(earlier, encodePem('CERTIFICATE', earlier.der), chainPem(authority), {
    notHonoured: notHonouredOf(readCertificationRequest(csrDer), readCertificate(earlier.der).keyUsage ?? []),
    replayed: true,
  });
}
