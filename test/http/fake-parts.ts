import { createHash } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import { pino } from 'pino';
import { createAuthenticator } from '../../src/access/authenticator.ts';
import type { Grant, Role } from '../../src/access/caller.ts';
import { createTokenService } from '../../src/access/token-service.ts';
import { formatToken, newToken, sha256 } from '../../src/access/token-text.ts';
import type { EnforcementService } from '../../src/enforcement/enforcement-service.ts';
import type { DetailedProbeReport } from '../../src/enforcement/probe/probe-report.ts';
import type { ClientVerification } from '../../src/enforcement/verification.ts';
import { Fault } from '../../src/fault.ts';
import { createCompressor } from '../../src/http/compression.ts';
import type { AuthorityView, HttpOptions, HttpParts } from '../../src/http/parts.ts';
import type { ImportRequest, ImportService } from '../../src/imports/import-service.ts';
import type { IssueRequest } from '../../src/issuance/issuance-service.ts';
import type { Profile } from '../../src/issuance/profile.ts';
import type { BulkRevokeRequest } from '../../src/revocation/bulk-revocation.ts';
import type { ProvenRevokeRequest } from '../../src/revocation/proof-of-possession-service.ts';
import type { ReleaseRequest, RevokeRequest } from '../../src/revocation/revocation-service.ts';
import type { CertificateFilter, StoredCertificate } from '../../src/store/certificates.ts';
import type { Verifier } from '../../src/verification/verifier.ts';
import { parseName } from '../../src/x509/name.ts';
import { MemoryTokenStore } from '../access/memory-token-store.ts';

export const now = Date.parse('2026-11-23T12:00:00Z');
export const serial = '3f0c5a7b9d1e2f40516273849aabbccd';
export const ownSerial = '11111111111111111111111111111111';
const der = Buffer.from('a certificate');
const day = 86_400_000;

export const grantsOf: Record<Role, readonly Grant[]> = {
  admin: [{ role: 'admin' }],
  issuer: [{ role: 'issuer', profiles: ['client'] }],
  revoker: [{ role: 'revoker' }],
  enforcer: [{ role: 'enforcer', namespaces: ['shop'] }],
  reader: [{ role: 'reader' }],
};

/** Stand-ins for everything behind the HTTP layer; they record what they were asked. */
export interface FakeParts extends HttpParts {
  readonly clock: { time: number; now(): number };
  readonly store: MemoryTokenStore;
  readonly asked: {
    issued: IssueRequest[];
    revoked: RevokeRequest[];
    released: ReleaseRequest[];
    revokedMatching: BulkRevokeRequest[];
    imported: FakeImport[];
    proven: ProvenRevokeRequest[];
    searched: { filter: CertificateFilter; page: { limit: number; cursor?: string } }[];
    enforced: unknown[];
    observed: { route: string; method: string; status: number }[];
    refusals: string[];
    verified: string[];
  };
  ready: boolean;
  /** What issuing does first: wait, or fail. */
  issueWith: ((request: IssueRequest) => Promise<void>) | undefined;
  verifyWith: Verifier['verify'];
  token(grants: readonly Grant[], extra?: { id?: string; expiresAt?: Date; revokedAt?: Date }): string;
}

export const options: HttpOptions = {
  bodyLimitBytes: 65_536,
  importBodyLimitBytes: 100_000,
  requestTimeoutMilliseconds: 15_000,
  keepAliveTimeoutMilliseconds: 75_000,
  trustedProxies: [],
  defaultProfile: 'client',
};

export interface FakeOptions {
  readonly logger?: FastifyBaseLogger;
  readonly options?: Partial<HttpOptions>;
  readonly adminToken?: string;
  readonly withoutKubernetes?: boolean;
}

export function fakeParts(change: FakeOptions = {}): FakeParts {
  const clock = {
    time: now,
    now() {
      return this.time;
    },
  };
  const store = new MemoryTokenStore();
  const authenticator = createAuthenticator({
    store,
    clock,
    ...(change.adminToken === undefined ? {} : { adminToken: change.adminToken }),
  });
  const asked: FakeParts['asked'] = {
    issued: [],
    revoked: [],
    released: [],
    imported: [],
    revokedMatching: [],
    proven: [],
    searched: [],
    enforced: [],
    observed: [],
    refusals: [],
    verified: [],
  };
  const parts: FakeParts = {
    ready: true,
    issueWith: undefined,
    store,
    asked,
    clock,
    options: { ...options, ...change.options },
    logger: change.logger ?? pino({ level: 'silent' }),
    authenticator,
    tokens: createTokenService({
      store,
      clock,
      authenticator,
      adminTokenConfigured: change.adminToken !== undefined,
    }),
    metrics: {
      httpRequest: ({ route, method, status }) => void asked.observed.push({ route, method, status }),
      authenticationRefused: (kind) => void asked.refusals.push(kind),
      certificateRefused: (code) => void asked.refusals.push(`certificate:${code}`),
      verified: (outcome) => void asked.verified.push(outcome),
      render: async () => '# HELP figures\n',
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
    },
    health: {
      report: async () => ({
        ready: parts.ready,
        checks: [{ name: 'database', required: true, status: parts.ready ? 'ok' : 'failing' }],
      }),
    },
    issuance: {
      profiles: () => [clientProfile],
      issue: async (request) => {
        asked.issued.push(request);
        await parts.issueWith?.(request);
        const { der: _der, revocation: _revocation, ...record } = stored(ownSerial, request.requester);
        return {
          ...record,
          certificatePem: leafPem,
          chainPem,
          notHonoured: [],
          replayed: false,
          metadata: request.metadata ?? {},
        };
      },
    },
    revocation: {
      revoke: async (request) => {
        asked.revoked.push(request);
        if (request.serial !== serial) throw new Fault('certificate-not-found', 'There is none.');
        return { serial, reason: request.reason ?? 'unspecified', revokedAt: new Date(now), revoked: 1 };
      },
      release: async (request) => {
        asked.released.push(request);
        if (request.serial !== serial) throw new Fault('certificate-not-found', 'There is none.');
        return { serial, releasedAt: new Date(now) };
      },
    },
    bulkRevocation: {
      revokeMatching: async (request) => {
        asked.revokedMatching.push(request);
        const { dryRun, reason } = request;
        return {
          dryRun,
          reason,
          matched: 3,
          alreadyRevoked: 1,
          revoked: 2,
          serials: [serial],
          authorities: [],
        };
      },
    },
    proofOfPossession: {
      revoke: async (request) => {
        asked.proven.push(request);
        if (request.serial !== serial) throw new Fault('certificate-not-found', 'There is none.');
        const { reason } = request;
        const siblings = { count: 1, serials: [ownSerial] };
        return { serial, reason, revokedAt: new Date(now), revoked: 2, siblings };
      },
    },
    imports: fakeImports(asked.imported),
    certificates: {
      findBySerial: async (wanted) => {
        if (wanted === serial) return stored(serial, 'token:somebody');
        return wanted === ownSerial ? stored(ownSerial, 'token:issuer') : undefined;
      },
      search: async (filter, page) => {
        asked.searched.push({ filter, page });
        return { items: [stored(serial, 'token:somebody')], nextCursor: 'next+page' };
      },
    },
    authorities: {
      default: authority,
      list: () => [authority],
      get: (name) => {
        if (name !== authority.name) throw new Fault('authority-not-found', `There is no authority ${name}.`);
        return authority;
      },
    },
    crls: {
      current: async (name) => {
        if (name !== authority.name) throw new Fault('authority-not-found', `There is no authority ${name}.`);
        return {
          der: Buffer.from('a CRL'),
          pem: async () => Buffer.from('-----BEGIN X509 CRL-----\n'),
          number: BigInt((now - day) / 1000),
          thisUpdate: new Date(now - day),
          nextUpdate: new Date(now + 6 * day),
          sha256: createHash('sha256').update('a CRL').digest('hex'),
          entryCount: 3,
          delta: {
            der: Buffer.from('a delta CRL'),
            pem: async () => Buffer.from('-----BEGIN X509 CRL-----\n'),
            sha256: createHash('sha256').update('a delta CRL').digest('hex'),
            baseNumber: 16n,
          },
        };
      },
    },
    crlShards: {
      current: async (_name, count, index) => {
        if (index >= count) throw new Fault('crl-not-offered', 'There is no such part.');
        return {
          der: Buffer.from(`part ${index} of ${count}`),
          version: `${index}-of-${count}`,
          number: BigInt((now - day) / 1000),
          thisUpdate: new Date(now - day),
          nextUpdate: new Date(now + 6 * day),
        };
      },
    },
    compressor: createCompressor(),
    verifier: { verify: (question) => parts.verifyWith(question) },
    verifyWith: () => ({ admitted: true, identity: { 'x-client-serial': serial } }),
    budget: {
      secret: () => ({
        limitBytes: 1_048_576,
        stage: 'full',
        form: 'full',
        usedBytes: 786_432,
        leftBytes: 262_144,
        entriesLeft: 3_912,
        forecastDays: 40,
        next: {
          form: 'compact',
          usedBytes: 563_414,
          leftBytes: 485_162,
          entriesLeft: 10_107,
          forecastDays: null,
        },
        withoutCrl: ['shop'],
      }),
    },
    publisher: {
      status: async () => [
        {
          target: 'secret:shop/internal-ca',
          state: 'Current',
          why: ['enforced'],
          crlNumber: '17',
          crlForm: 'compact',
          caFingerprints: ['ab'],
          writtenAt: new Date(now),
          sizeBytes: 10,
        },
        {
          target: 'secret:gone/internal-ca',
          state: 'Waiting',
          why: ['configured'],
          caFingerprints: [],
          waitingFor: 'There is no namespace gone.',
        },
        { target: 'secret:pki/internal-ca', state: 'Current', why: ['own'], caFingerprints: ['ab'] },
        { target: 'configmap:bank/internal-ca', state: 'Current', why: ['selector'], caFingerprints: ['ab'] },
        {
          target: 'clustertrustbundle:internal-ca',
          state: 'Current',
          why: ['configured'],
          caFingerprints: [],
        },
      ],
    },
    watchdog: {
      seen: async () => [
        {
          place: 'secret:shop/internal-ca',
          finding: 'behind',
          detail: 'it has CRL 16',
          crlNumber: '16',
          nextUpdate: new Date(now + 1_000),
          at: new Date(now),
        },
        { place: 'url:http://ca.example/crl/internal-ca.crl', finding: 'current', at: new Date(now) },
      ],
    },
    ...(change.withoutKubernetes === true
      ? {}
      : { enforcement: fakeEnforcement(asked.enforced), probe: { probe: fakeProbe } }),
    token(grants, extra = {}) {
      const token = newToken(extra.id);
      store.records.set(token.id, {
        name: 'test',
        createdAt: new Date(now),
        createdBy: 'test',
        ...extra,
        id: token.id,
        secretSha256: sha256(token.secret),
        grants,
      });
      return formatToken(token);
    },
  };
  return parts;
}

export const leafPem = '-----BEGIN CERTIFICATE-----\nbGVhZg==\n-----END CERTIFICATE-----\n';
export const chainPem = '-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n';

const authority: AuthorityView = {
  name: 'internal-ca',
  certificate: {
    der: Buffer.from('ca'),
    serial: '01',
    subject: parseName('CN=internal-ca'),
    notBefore: new Date(now - day),
    notAfter: new Date(now + 3650 * day),
  },
  chain: [],
};

const clientProfile: Profile = {
  name: 'client',
  description: 'People and programs',
  keys: { rsa: { minBits: 2048, maxBits: 8192 }, ec: ['P-256'], ed25519: true },
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['clientAuth'],
  defaultValiditySeconds: 7_776_000,
  maxValiditySeconds: 31_536_000,
  subject: { allowed: ['CN', 'O'], required: [] },
  subjectAltName: { kinds: ['dns', 'email'], required: false, wildcards: false, patterns: {} },
};

function stored(serialText: string, requester: string): StoredCertificate {
  return {
    serial: serialText,
    authority: 'internal-ca',
    profile: 'client',
    subject: 'CN=alice',
    commonName: 'alice',
    sans: ['dns:alice.example'],
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + 90 * day),
    requester,
    spkiSha256: Buffer.alloc(32),
    fingerprint: createHash('sha256').update(der).digest('hex'),
    der,
    metadata: { ticket: 'OPS-1' },
    createdAt: new Date(now),
  };
}

/** A door that is open over plain HTTP, and otherwise does as wished. */
async function fakeProbe(namespace: string, name: string): Promise<DetailedProbeReport> {
  const detail = 'Plain HTTP is answered.';
  return {
    namespace,
    name,
    verdict: 'contradicted',
    probedAt: new Date(now),
    recordUpdatedAt: new Date(now),
    address: '192.0.2.1',
    hosts: [
      {
        host: 'shop.example',
        serverName: 'shop.example',
        checks: [
          {
            name: 'no-certificate',
            expected: 'refused',
            answer: { kind: 'http', status: 400, refusal: 'no-certificate' },
            outcome: 'as-expected',
            detail: 'HTTP 400.',
          },
          {
            name: 'unknown-authority',
            expected: 'refused',
            answer: { kind: 'tls-alert', alert: 'unknown_ca' },
            outcome: 'as-expected',
            detail: 'The TLS alert unknown_ca.',
          },
          {
            name: 'plain-http',
            expected: 'redirected-or-refused',
            answer: { kind: 'http', status: 302, location: 'http://shop.example/' },
            outcome: 'contradicts',
            detail,
          },
        ],
      },
    ],
    reasons: [{ code: 'plain-http-open', detail }],
  };
}

function fakeEnforcement(asked: unknown[]): EnforcementService {
  const state = (namespace: string, name: string, dryRun = false): ClientVerification => ({
    namespace,
    name,
    origin: 'api',
    controller: 'ingress-nginx',
    authority: 'internal-ca',
    mode: 'on',
    passCertificate: true,
    revocation: { wished: 'crl', effective: 'crl' },
    hosts: ['shop.example'],
    secret: { namespace, name: 'internal-ca' },
    annotations: {
      written: { 'nginx.ingress.kubernetes.io/auth-tls-verify-client': 'on' },
      before: { 'nginx.ingress.kubernetes.io/auth-tls-verify-client': null },
    },
    revocationEnforced: true,
    warnings: [],
    state: dryRun ? 'Planned' : 'Enforced',
    observed: {
      ingress: 'present',
      differences: [],
      conflicts: [],
      problems: [],
      secret: { crlNumber: '17', writtenAt: new Date(now) },
    },
    dryRun,
    requester: 'token:test',
    createdAt: new Date(now),
    updatedAt: new Date(now),
  });
  return {
    enforce: async (namespace, name, wish, how) => {
      asked.push({ namespace, name, wish, how });
      return state(namespace, name, how.dryRun);
    },
    state: async (namespace, name) => state(namespace, name),
    undo: async (namespace, name, how) => {
      asked.push({ undo: name, how });
      return state(namespace, name);
    },
    list: async () => [state('shop', 'web'), state('bank', 'web')],
  };
}

export interface FakeImport extends Omit<ImportRequest, 'body'> {
  readonly kind: keyof ImportService;
  readonly octets: string;
}

/** Reads the body to its end, as the real one does. */
function fakeImports(imported: FakeImport[]): ImportService {
  const take =
    (kind: keyof ImportService) =>
    async ({ body, ...request }: ImportRequest) => {
      const chunks: Buffer[] = [];
      for await (const chunk of body) chunks.push(chunk);
      imported.push({ ...request, kind, octets: Buffer.concat(chunks).toString() });
      return {
        ...{
          dryRun: request.dryRun,
          read: 2,
          recorded: 1,
          alreadyKnown: 0,
          expired: 0,
          passedOver: 0,
          revoked: 0,
        },
        ...{ withoutCertificate: 0, changed: 0, alreadyRevoked: 0, notRevoked: 0, siblings: 0 },
        ...{ crlNumber: 17n, problemCount: 1 },
        problems: [{ position: 42, serial: '0a', code: 'signature-invalid', detail: 'It is not.' } as const],
      };
    };
  return {
    importCertificates: take('importCertificates'),
    importIndex: take('importIndex'),
    importCrl: take('importCrl'),
  };
}
