import type { Authority } from '../authority/authority.ts';
import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { Publisher } from '../publication/publisher.ts';
import type { Database } from '../store/database.ts';
import type { Watchdog } from '../watchdog/watchdog.ts';
import type { HealthCheck } from './health.ts';

export interface ReadinessParts {
  readonly database: Pick<Database, 'ping'>;
  readonly authorities: readonly Authority[];
  readonly publisher: Pick<Publisher, 'status'>;
  readonly watchdog: Pick<Watchdog, 'assertServing' | 'seen'>;
  readonly clock: Clock;
}

/** What has to work for the service to do its work. Each check reads the thing itself, none is a constant. */
export function readinessChecks(parts: ReadinessParts): HealthCheck[] {
  return [
    { name: 'database', required: true, check: () => parts.database.ping() },
    { name: 'key', required: true, check: () => eachAuthority(parts, checkKey) },
    // What this replica serves, read back from its own port.
    { name: 'crl', required: true, check: () => parts.watchdog.assertServing() },
    // What lies elsewhere is no reason to take this pod out: issuing and the public files go on.
    { name: 'published', required: false, check: () => checkPublished(parts) },
  ];
}

async function eachAuthority(
  parts: ReadinessParts,
  check: (authority: Authority, parts: ReadinessParts) => Promise<void>,
): Promise<void> {
  for (const authority of parts.authorities) await check(authority, parts);
}

async function checkKey(authority: Authority, { clock }: ReadinessParts): Promise<void> {
  await authority.signer.sign(Buffer.from('readiness'));
  if (clock.now() >= authority.certificate.notAfter.getTime()) {
    throw new Fault('key-unavailable', `the certificate of ${authority.name} has expired`);
  }
}

/** What was read and is not well, and what could not be written, which is known sooner. */
async function checkPublished({ publisher, watchdog }: ReadinessParts): Promise<void> {
  const [copies, places] = await Promise.all([publisher.status(), watchdog.seen()]);
  const wrong = new Map<string, string>();
  for (const { target, state, error } of copies)
    if (state === 'Failed') wrong.set(target, `not written: ${error}`);
  for (const { place, finding, detail } of places)
    if (finding !== 'current')
      wrong.set(place, [finding, detail, wrong.get(place)].filter(Boolean).join(', '));
  if (wrong.size === 0) return;
  const list = [...wrong].map(([place, why]) => `${place}: ${why}`).join('; ');
  throw new Fault('conflict', `${wrong.size} of the places where the CRL is published are not well: ${list}`);
}
