import type { Authority } from '../../src/authority/authority.ts';
import { createAuthorityRegistry } from '../../src/authority/authority.ts';
import { createIssuanceService } from '../../src/issuance/issuance-service.ts';
import { createTemplateSource } from '../../src/issuance/templates.ts';
import { createKnownCertificates } from '../../src/ocsp/known-certificates.ts';
import { createOcspService, type OcspParts, type OcspService } from '../../src/ocsp/ocsp-service.ts';
import { responderProfile, responderTemplates } from '../../src/ocsp/responder-profile.ts';
import { createResponders, type Responders } from '../../src/ocsp/responders.ts';
import type { KnownRevocation } from '../../src/revocation/revocation-index.ts';
import { type CertificateStore, createCertificateStore } from '../../src/store/certificates.ts';
import type { Database } from '../../src/store/database.ts';
import { createIssuedSerialStore } from '../../src/store/issued-serials.ts';
import { makeAuthority } from '../support/authority.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { makeCsr } from '../support/csr.ts';
import { createTestDatabase, type TestScope } from '../support/database.ts';
import {
  type CertIdOptions,
  certIdOf,
  ocspRequestOf,
  type ReadResponse,
  type RequestOptions,
  readOcspResponse,
} from '../x509/build-ocsp.ts';

const day = 86_400;

/** What is known of revocations, as the test says. */
export interface StandInIndex {
  readonly revoked: Map<string, KnownRevocation>;
  age: number;
  lookup(authority: string, serial: string): KnownRevocation | undefined;
  ageMs(): number;
}

export interface OcspBench {
  readonly clock: TestClock;
  readonly authority: Authority;
  readonly other: Authority;
  readonly index: StandInIndex;
  readonly responders: Responders;
  readonly service: OcspService;
  readonly certificates: CertificateStore;
  readonly outcomes: string[];
  readonly failures: unknown[];
  readonly counts: { signed: number; queries: number; renewed: number };
  /** What happens to queries for serials: wait, or fail. */
  queryWith: (() => Promise<void>) | undefined;
  /** Whether issuing works. */
  issueWith: (() => Promise<void>) | undefined;
  /** The serial of a new certificate, recorded. */
  issue(validitySeconds?: number, authority?: string): Promise<string>;
  ask(serials: readonly string[], how?: RequestOptions & CertIdOptions): Promise<ReadResponse>;
}

export interface OcspBenchOptions
  extends Partial<Pick<OcspParts, 'nonce' | 'validitySeconds' | 'backdateSeconds'>> {
  readonly maxStalenessSeconds?: number;
  readonly responderValiditySeconds?: number;
  readonly database?: Database;
  readonly authority?: Authority;
  readonly clock?: TestClock;
}

/** The whole of OCSP on a real database, but for the index of revocations. */
export async function ocspBench(t: TestScope, options: OcspBenchOptions = {}): Promise<OcspBench> {
  const clock = options.clock ?? createTestClock();
  const authority = options.authority ?? (await makeAuthority(clock.now()));
  const other = await makeAuthority(clock.now(), { name: 'other' });
  const registry = createAuthorityRegistry([authority, other]);
  const database = options.database ?? (await createTestDatabase(t)).db;
  const certificates = createCertificateStore(database);
  const index: StandInIndex = {
    revoked: new Map(),
    age: 0,
    lookup: (name, serial) => index.revoked.get(`${name}/${serial}`),
    ageMs: () => index.age,
  };
  const issuanceParts = { authorities: registry, certificates, clock, backdateSeconds: 60 };
  const responderIssuance = createIssuanceService({
    ...issuanceParts,
    profiles: [responderProfile(options.responderValiditySeconds ?? 7 * day)],
    templates: responderTemplates,
  });
  const clients = createIssuanceService({
    ...issuanceParts,
    profiles: [{ ...responderProfile(3650 * day), name: 'client', extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] }],
    templates: createTemplateSource(undefined),
  });
  const failures: unknown[] = [];
  const outcomes: string[] = [];
  const counts = { signed: 0, queries: 0, renewed: 0 };
  const responders = createResponders({
    issuance: {
      async issue(request) {
        await bench.issueWith?.();
        return await responderIssuance.issue(request);
      },
    },
    authorities: registry.list(),
    index,
    clock,
    everyMilliseconds: 60_000,
    onRenewed() {
      counts.renewed += 1;
    },
    onFailed: (_name, error) => void failures.push(error),
  });
  t.after(() => responders.close());
  const store = createIssuedSerialStore(database);
  const service = createOcspService({
    authorities: registry.list(),
    responders,
    index,
    known: createKnownCertificates({
      async findIssued(serials) {
        counts.queries += 1;
        await bench.queryWith?.();
        return await store.findIssued(serials);
      },
    }),
    clock,
    nonce: options.nonce ?? true,
    validitySeconds: options.validitySeconds ?? 3_600,
    backdateSeconds: options.backdateSeconds ?? 0,
    maxStalenessSeconds: options.maxStalenessSeconds ?? 600,
    onAnswered: (outcome) => void outcomes.push(outcome),
    onSigned() {
      counts.signed += 1;
    },
    onFailed: (error) => void failures.push(error),
  });
  const bench: OcspBench = {
    ...{ clock, authority, other, index, responders, service, certificates, outcomes, failures, counts },
    queryWith: undefined,
    issueWith: undefined,
    async issue(validitySeconds = 30 * day, name = authority.name) {
      const { der } = await makeCsr();
      const issued = await clients.issue({ csr: der, validitySeconds, authority: name, requester: 'test' });
      return issued.serial;
    },
    async ask(serials, how = {}) {
      const certIds = serials.map((serial) => certIdOf(authority.certificate, serial, how));
      const { der } = await service.respond(authority.name, ocspRequestOf(certIds, how));
      return readOcspResponse(der, authority.certificate.publicKey.keyObject);
    },
  };
  await responders.start();
  return bench;
}
