import { pino } from 'pino';
import { systemClock } from '../src/clock.ts';
import { Fault } from '../src/fault.ts';
import { buildHttpApp } from '../src/http/app.ts';
import type { HttpParts } from '../src/http/parts.ts';

/** Where the committed document lies, from the root of the project. */
export const documentPath = 'openapi/openapi.json';

/** The OpenAPI document as it is committed: generated from the routes' schemas, two spaces, one newline at the end. */
export async function openApiText(): Promise<string> {
  const app = await buildHttpApp(partsForNothing);
  const text = `${JSON.stringify(app.swagger(), undefined, 2)}\n`;
  await app.close();
  return text;
}

const refuse = (): never => {
  throw new Fault('internal', 'The document is generated without a service behind it.');
};

/** The routes and their schemas depend on no part, so none is built. */
const partsForNothing: HttpParts = {
  options: {
    importBodyLimitBytes: 268_435_456,
    bodyLimitBytes: 65_536,
    requestTimeoutMilliseconds: 15_000,
    keepAliveTimeoutMilliseconds: 75_000,
    trustedProxies: [],
    defaultProfile: 'client',
  },
  clock: systemClock,
  logger: pino({ level: 'silent' }),
  metrics: {
    httpRequest: refuse,
    authenticationRefused: refuse,
    certificateRefused: refuse,
    verified: refuse,
    render: refuse,
    contentType: 'text/plain',
  },
  health: { report: refuse },
  authenticator: { authenticate: refuse },
  tokens: { create: refuse, list: refuse, find: refuse, revoke: refuse },
  issuance: { issue: refuse, profiles: refuse },
  revocation: { revoke: refuse, release: refuse },
  bulkRevocation: { revokeMatching: refuse },
  imports: { importCertificates: refuse, importIndex: refuse, importCrl: refuse },
  proofOfPossession: { revoke: refuse },
  certificates: { findBySerial: refuse, search: refuse },
  authorities: {
    get default() {
      return refuse();
    },
    get: refuse,
    list: refuse,
  },
  crls: { current: refuse },
  compressor: { compress: refuse },
  publisher: { status: refuse },
  watchdog: { seen: refuse },
  budget: { secret: refuse },
  verifier: { verify: refuse },
};
