import type { AuthorityRegistry } from '../authority/authority.ts';
import { ConfigError } from '../config/config-error.ts';
import type { RevocationIndex } from '../revocation/revocation-index.ts';
import type { createClientVerificationStore } from '../store/client-verifications.ts';
import type { Database } from '../store/database.ts';
import { serviceKey } from '../store/service-keys.ts';
import type { VerifyCaller } from '../verification/callers.ts';
import { createIngressDoors } from '../verification/ingress-doors.ts';
import { loadCallers } from '../verification/load-callers.ts';
import { type Networks, parseNetworks } from '../verification/networks.ts';
import { createVerifier, type Verifier } from '../verification/verifier.ts';
import { createVerifyUrlFor, type VerifyUrlFor } from '../verification/verify-url.ts';
import type { ServiceInput } from './service-input.ts';

/** How often the records of the Ingresses are looked at: a rule that was changed is in force everywhere after this long. */
const lookEveryMs = 1_000;

/** Who may ask for live verification, from files and settings alone. */
export interface VerifyAccess {
  readonly callers: readonly VerifyCaller[];
  /** Of questions about Ingresses; anywhere when absent. */
  readonly networks: Networks | undefined;
}

/** Needs nothing but files, so that a mistake is found before a CA is made. @throws ConfigError */
export async function readVerifyAccess({ config }: ServiceInput): Promise<VerifyAccess> {
  const { callersFile, networks } = config.verification;
  return {
    callers: await loadCallers(callersFile, [config.authority.name]),
    networks: networks.length === 0 ? undefined : readNetworks(networks),
  };
}

function readNetworks(ranges: readonly string[]): Networks {
  try {
    return parseNetworks(ranges);
  } catch (error) {
    if (error instanceof RangeError) throw new ConfigError('VERIFY_NETWORKS', error.message);
    throw error;
  }
}

/** What proves that a URL for live verification is ours, and how such URLs are made. */
export interface VerifyUrls {
  /** Of every Ingress; the same on every replica. */
  readonly key: Buffer;
  /** Undefined without VERIFY_URL: no Ingress can be moved to live verification. */
  readonly urlFor: VerifyUrlFor | undefined;
}

export async function openVerifyUrls(
  { config, clock }: ServiceInput,
  database: Database,
): Promise<VerifyUrls> {
  const key = await serviceKey(database, clock, 'verify-ingress');
  const { url } = config.verification;
  return { key, urlFor: url === undefined ? undefined : createVerifyUrlFor(url, key) };
}

interface VerifierParts {
  readonly verifyUrls: VerifyUrls;
  readonly verifyAccess: VerifyAccess;
  readonly verifications: ReturnType<typeof createClientVerificationStore>;
  readonly authorities: AuthorityRegistry;
  readonly revocationIndex: Pick<RevocationIndex, 'lookup' | 'ageMs'>;
}

/** Resolves when it knows every Ingress. */
export async function openVerifier(
  { config, clock, log }: ServiceInput,
  { verifyUrls, verifyAccess, verifications, authorities, revocationIndex }: VerifierParts,
  cleanUp: AsyncDisposableStack,
): Promise<Verifier> {
  const doors = createIngressDoors({
    rows: verifications,
    clock,
    intervalMs: lookEveryMs,
    onFailed: (error) =>
      log.debug({ err: error }, 'the records of Ingresses cannot be read; those known stay'),
  });
  cleanUp.defer(() => doors.close());
  await doors.start();
  const { maxStalenessSeconds = config.crl.overlapSeconds } = config.verification;
  return createVerifier({
    ...verifyAccess,
    doors,
    key: verifyUrls.key,
    authorities,
    revocations: revocationIndex,
    clock,
    maxStalenessMs: maxStalenessSeconds * 1000,
  });
}
