import { once } from 'node:events';
import { createServer } from 'node:http';
import { systemClock } from '../../../src/clock.ts';
import type { AllowRule } from '../../../src/verification/allow-rule.ts';
import { createVerifier } from '../../../src/verification/verifier.ts';
import { createVerifyUrlFor, type VerifyUrlFor } from '../../../src/verification/verify-url.ts';
import type { DoorBench } from './harness.ts';

/** The verifier behind a bare HTTP server, as a controller meets it. */
export interface AnsweringService {
  readonly urlFor: VerifyUrlFor;
  /** How it answers from now on; all are known and welcome by default. */
  set(how: {
    allow?: readonly AllowRule[];
    deaf?: boolean;
    hearsFrom?: number;
    certificateRequired?: boolean;
  }): void;
  stop(): Promise<void>;
}

export async function startAnsweringService({ authority, revoked }: DoorBench): Promise<AnsweringService> {
  const key = Buffer.alloc(32, 7);
  let how: Parameters<AnsweringService['set']>[0] = {};
  const door = () => ({
    header: 'ssl-client-cert' as const,
    needsTlsVerdict: true,
    certificateRequired: how.certificateRequired ?? true,
    ...(how.allow === undefined ? {} : { allow: how.allow }),
  });
  const verifier = createVerifier({
    doors: { find: () => (how.deaf === true ? undefined : door()), findAnew: async () => undefined },
    callers: [],
    key,
    authorities: { list: () => [authority] },
    revocations: {
      lookup: (_authority, serial) =>
        revoked.has(serial) && performance.now() >= (how.hearsFrom ?? 0)
          ? { reason: 'cessationOfOperation', revokedAt: new Date() }
          : undefined,
      ageMs: () => 0,
    },
    clock: systemClock,
    maxStalenessMs: 60_000,
  });
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://verify');
    const question = Object.fromEntries(searchParams);
    const { headers, socket } = request;
    Promise.resolve(verifier.verify({ ...question, headers, remoteAddress: socket.remoteAddress })).then(
      (verdict) => {
        if (verdict.admitted) response.writeHead(200, verdict.identity);
        else
          response.writeHead(
            ['no-certificate', 'unreadable', 'probe-not-allowed'].includes(verdict.reason) ? 401 : 403,
          );
        response.end();
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it is not listening on a port');
  return {
    urlFor: createVerifyUrlFor(`http://127.0.0.1:${address.port}`, key),
    set: (next) => {
      how = next;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
