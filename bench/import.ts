import { join } from 'node:path';
import { startDatabase } from './support/database.ts';
import { type ForeignCa, makeForeignCa, writeImportFiles } from './support/import-files.ts';
import { type ImportInput, runImportRound } from './support/import-round.ts';
import type { Report, Row } from './support/report.ts';
import { type Run, temporaryDirectory } from './support/run.ts';

const certificates = 100_000;
const largeCrl = 1_000_000;
const aimedStallMs = 20;

/** From a CA of shell scripts: its certificates, its index, its CRL; and a CRL that is all that there is. */
export async function importing(run: Run): Promise<Report> {
  const ca = await makeForeignCa();
  const count = run.quick ? certificates / 20 : certificates;
  const rows = [
    ...(await importAll(run, ca, count, [
      ['importCertificates', 'certs.pem', 'certificates'],
      ['importIndex', 'index.txt', 'their index.txt, all revoked'],
      ['importCrl', 'ca.crl', 'their CRL, nothing new'],
    ])),
    ...(await importAll(run, ca, run.quick ? largeCrl / 20 : largeCrl, [
      ['importCrl', 'ca.crl', 'a CRL of unknown certificates'],
      ['importCrl', 'ca.crl', 'the same again'],
    ])),
  ];
  return {
    title: 'Importing what was issued and revoked elsewhere',
    columns: [
      { key: 'what', heading: 'what' },
      { key: 'read', heading: 'rows' },
      { key: 'seconds', heading: 's', decimals: 1 },
      { key: 'perSecond', heading: 'rows/s' },
      { key: 'rssMegabytes', heading: 'peak RSS MB' },
      { key: 'stallMs', heading: 'longest stall ms', decimals: 1 },
    ],
    rows,
    aims: [
      {
        text: `no stall of the event loop over ${aimedStallMs} ms`,
        met: rows.every(({ stallMs }) => Number(stallMs) <= aimedStallMs),
      },
    ],
    notes: ["Each import is a process of its own. Stalls are in the CPU of the event loop's own thread."],
  };
}

type Import = readonly [kind: ImportInput['kind'], file: string, what: string];

async function importAll(run: Run, ca: ForeignCa, count: number, imports: readonly Import[]): Promise<Row[]> {
  run.progress(`writing files of ${count} certificates`);
  const directory = await temporaryDirectory(run);
  await writeImportFiles(ca, directory, count, { crlOnly: imports.every(([kind]) => kind === 'importCrl') });
  const { url } = await startDatabase(run);
  const rows: Row[] = [];
  for (const [kind, file, what] of imports) {
    run.progress(`${what}: ${count}`);
    const keys = { certificate: ca.certificatePem, key: ca.keyPem };
    const round = await runImportRound({ ...keys, url, kind, file: join(directory, file) }, run.cleanUp);
    if (round.problems > 0 || round.read !== count) throw new Error(`${what}: ${JSON.stringify(round)}`);
    const { read, ms, rssBytes, stallMs } = round;
    rows.push({
      what,
      read,
      stallMs,
      seconds: ms / 1000,
      perSecond: (read * 1000) / ms,
      rssMegabytes: rssBytes / 1e6,
    });
  }
  return rows;
}
