import type { Authority } from '../authority/authority.ts';
import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { Publisher } from '../publication/publisher.ts';
import type { CrlFiles } from '../revocation/crl-files.ts';
import type { Database } from '../store/database.ts';
import type { HealthCheck } from './health.ts';

export interface ReadinessParts {
  readonly database: Pick<Database, 'ping'>;
  readonly authorities: readonly Authority[];
  readonly crls: Pick<CrlFiles, 'current'>;
  readonly publisher: Pick<Publisher, 'status'>;
  readonly clock: Clock;
}

/** What has to work for the service to do its work. Each check reads the thing itself, none is a constant. */
export function readinessChecks(parts: ReadinessParts): HealthCheck[] {
  return [
    { name: 'database', required: true, check: () => parts.database.ping() },
    { name: 'key', required: true, check: () => eachAuthority(parts, checkKey) },
    { name: 'crl', required: true, check: () => eachAuthority(parts, checkCrl) },
    // Issuing and the public files go on while a copy is stale, so this is reported and does not take the pod out.
    { name: 'publication', required: false, check: () => checkPublication(parts) },
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

async function checkCrl(authority: Authority, { crls, clock }: ReadinessParts): Promise<void> {
  const crl = await crls.current(authority.name);
  if (clock.now() >= crl.nextUpdate.getTime()) {
    throw new Fault('conflict', `the CRL of ${authority.name} lapsed at ${crl.nextUpdate.toISOString()}`);
  }
}

async function checkPublication({ publisher }: ReadinessParts): Promise<void> {
  const failed = (await publisher.status()).filter(({ state }) => state === 'Failed');
  if (failed.length === 0) return;
  const list = failed.map(({ target, error }) => `${target}: ${error}`).join('; ');
  throw new Fault('conflict', `${failed.length} copies are not current: ${list}`);
}
