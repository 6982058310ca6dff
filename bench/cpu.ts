import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { createAuthorityRegistry } from '../src/authority/authority.ts';
import { systemClock } from '../src/clock.ts';
import { createIssuanceService, type IssuanceService } from '../src/issuance/issuance-service.ts';
import { boundProfiles, loadProfiles } from '../src/issuance/load-profiles.ts';
import { createTemplateSource } from '../src/issuance/templates.ts';
import { makeAuthority } from './support/authority.ts';
import { csrPem, makeCsrs, type SampleCsr } from './support/csrs.ts';
import { median, type Report } from './support/report.ts';
import type { Run } from './support/run.ts';

const aimedRatio = 3;
/** As many as a busy server has at a time. */
const inFlight = 32;

/**
 * What a certificate costs in CPU, of all threads, without HTTP and without the database: the real issuance service
 * over an insert that does nothing. Beside it what no CA can do without: one check of the CSR's signature and one
 * signature, on keys that are loaded already.
 */
export async function cpuPerCertificate(run: Run): Promise<Report> {
  const rounds = run.quick ? 3 : 9;
  run.progress('making CSRs');
  const csrs = makeCsrs(run.quick ? 500 : 2_000);
  const floor = floorOf(csrs);
  const issue = issuanceOf(await createService(), csrs);
  // Both once unmeasured, so that the compiler has seen them.
  await floor();
  await issue();
  const measured: { floor: number; issue: number }[] = [];
  for (let round = 1; round <= rounds; round++) {
    run.progress(`round ${round} of ${rounds}`);
    measured.push({
      floor: await cpuMicroseconds(floor, csrs.length),
      issue: await cpuMicroseconds(issue, csrs.length),
    });
  }
  const ratio = median(measured.map((round) => round.issue / round.floor));
  return {
    title: '(a) CPU per certificate, P-256 CA and CSR, in process',
    columns: [
      { key: 'what', heading: '' },
      { key: 'microseconds', heading: 'µs CPU' },
      { key: 'ratio', heading: 'times the floor', decimals: 2 },
    ],
    rows: [
      {
        what: 'floor: crypto.verify + crypto.sign',
        microseconds: median(measured.map((round) => round.floor)),
        ratio: 1,
      },
      { what: 'a certificate', microseconds: median(measured.map((round) => round.issue)), ratio },
    ],
    aims: [{ text: `at most ${aimedRatio} times the floor`, met: ratio <= aimedRatio }],
    notes: [`Medians of ${rounds} rounds of ${csrs.length} certificates; each round measures both.`],
  };
}

async function cpuMicroseconds(work: () => Promise<void>, count: number): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

function floorOf(csrs: readonly SampleCsr[]): () => Promise<void> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const prepared = csrs.map(({ tbs, spki, signature }) => ({
    tbs,
    signature,
    key: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
  }));
  return async () => {
    for (const one of prepared) verifyAndSign(one, privateKey);
  };
}

function verifyAndSign(
  { tbs, signature, key }: { tbs: Buffer; signature: Buffer; key: KeyObject },
  privateKey: KeyObject,
): void {
  if (!verify('sha256', tbs, key, signature)) throw new Error('The sample CSR is not signed by its key');
  sign('sha256', tbs, privateKey);
}

async function createService(): Promise<IssuanceService> {
  const authority = await makeAuthority('internal-ca');
  return createIssuanceService({
    authorities: createAuthorityRegistry([authority]),
    certificates: { insert: async () => 'inserted', findByIdempotencyKey: async () => undefined },
    profiles: boundProfiles(await loadProfiles(undefined), { authoritySeconds: 3_650 * 86_400 }),
    templates: createTemplateSource(undefined),
    clock: systemClock,
    backdateSeconds: 60,
  });
}

function issuanceOf(service: IssuanceService, csrs: readonly SampleCsr[]): () => Promise<void> {
  const bodies = csrs.map((csr) => Buffer.from(csrPem(csr)));
  return async () => {
    const queue = bodies.values();
    const lane = async (): Promise<void> => {
      for (const csr of queue) await service.issue({ csr, requester: 'token:bench' });
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
  };
}
