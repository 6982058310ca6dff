import { createPrivateKey } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createAuthorityRegistry } from '../src/authority/authority.ts';
import { systemClock } from '../src/clock.ts';
import { decodePem } from '../src/encoding/pem.ts';
import { createImportService } from '../src/imports/import-service.ts';
import { createSoftwareSigner } from '../src/keys/signer.ts';
import { openDatabase } from '../src/store/database.ts';
import { readCertificate } from '../src/x509/certificate.ts';
import { workerInput, workerOutput } from './support/child.ts';
import type { ImportInput, ImportRound } from './support/import-round.ts';
import { watchStalls } from './support/stall.ts';

/** One import, in a process whose memory is nobody else's. */
async function main(): Promise<void> {
  // The parent is our own program.
  const { url, certificate, key, kind, file } = (await workerInput()) as ImportInput;
  const database = openDatabase({
    url,
    poolSize: 2,
    statementTimeoutMs: 60_000,
    connectTimeoutMs: 5_000,
    onIdleError: () => undefined,
  });
  await database.ping();
  const authority = {
    name: 'bench',
    certificate: readCertificate(decodePem(certificate)[0]?.der ?? Buffer.alloc(0)),
    chain: [],
    signer: createSoftwareSigner(createPrivateKey(key)),
  };
  const service = createImportService({
    authorities: createAuthorityRegistry([authority]),
    database,
    clock: systemClock,
    onRevoked: () => undefined,
    onEnded: () => undefined,
  });
  const stalls = watchStalls();
  stalls.longest();
  const began = performance.now();
  const body: AsyncIterable<Buffer> = createReadStream(file);
  const report = await service[kind]({ authority: 'bench', requester: 'bench', dryRun: false, body });
  const round: ImportRound = {
    ms: performance.now() - began,
    stallMs: stalls.longest(),
    rssBytes: process.resourceUsage().maxRSS * 1024,
    read: report.read,
    problems: report.problemCount,
  };
  stalls.stop();
  await database.close();
  workerOutput(round);
}

await main();
