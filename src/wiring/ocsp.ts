import type { AuthorityRegistry } from '../authority/authority.ts';
import { createIssuanceService } from '../issuance/issuance-service.ts';
import { measuredIssuance } from '../observability/measured.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createKnownCertificates } from '../ocsp/known-certificates.ts';
import { createOcspService, type OcspService } from '../ocsp/ocsp-service.ts';
import { responderProfile, responderTemplates } from '../ocsp/responder-profile.ts';
import { createResponders, type Responders } from '../ocsp/responders.ts';
import { createTrouble } from '../reconcile/trouble.ts';
import type { RevocationIndex } from '../revocation/revocation-index.ts';
import type { CertificateStore } from '../store/certificates.ts';
import type { Database } from '../store/database.ts';
import { createIssuedSerialStore } from '../store/issued-serials.ts';
import type { ServiceInput } from './service-input.ts';

/** How often it is looked whether the responders' certificates are due, and tried again after a failure. */
const lookMilliseconds = 15_000;

interface OcspGround {
  readonly authorities: AuthorityRegistry;
  readonly certificates: Pick<CertificateStore, 'insert' | 'findByIdempotencyKey'>;
  readonly database: Pick<Database, 'query'>;
  readonly revocationIndex: Pick<RevocationIndex, 'lookup' | 'ageMs'>;
  readonly metrics: Metrics;
}

/** Undefined with OCSP=off. Resolves when there is something to sign with, or that has failed for now. */
export async function openOcsp(
  input: ServiceInput,
  ground: OcspGround,
  cleanUp: AsyncDisposableStack,
): Promise<OcspService | undefined> {
  const { config, clock, log } = input;
  const { mode, nonce, validitySeconds, maxStalenessSeconds = config.crl.overlapSeconds } = config.ocsp;
  if (mode === 'off') return undefined;
  const { authorities, database, revocationIndex, metrics } = ground;
  const responders = createRespondersOf(input, ground);
  cleanUp.defer(() => responders.close());
  await responders.start();
  return createOcspService({
    authorities: authorities.list(),
    responders,
    index: revocationIndex,
    known: createKnownCertificates(createIssuedSerialStore(database)),
    clock,
    nonce: nonce === 'on',
    validitySeconds,
    backdateSeconds: config.crl.backdateSeconds,
    maxStalenessSeconds,
    onAnswered: (outcome) => metrics.ocspAnswered(outcome),
    onSigned: () => metrics.ocspSigned(),
    onFailed: (error) => log.error({ err: error }, 'an OCSP request could not be answered'),
  });
}

function createRespondersOf({ config, clock, log }: ServiceInput, ground: OcspGround): Responders {
  const { authorities, certificates, metrics, revocationIndex: index } = ground;
  const trouble = createTrouble();
  const issuance = createIssuanceService({
    authorities,
    certificates,
    profiles: [responderProfile(config.ocsp.responderValiditySeconds)],
    templates: responderTemplates,
    clock,
    // Used from the moment that it is there, so it has to please the clocks that the CRL does.
    backdateSeconds: Math.max(config.issuance.backdateSeconds, config.crl.backdateSeconds),
  });
  return createResponders({
    issuance: measuredIssuance(issuance, metrics),
    authorities: authorities.list(),
    index,
    clock,
    everyMilliseconds: lookMilliseconds,
    onRenewed(authority, responder) {
      trouble.over();
      metrics.ocspResponder(authority, responder);
      log.info({ authority, notAfter: responder.notAfter }, 'OCSP answers are signed with a new certificate');
    },
    onFailed(authority, error) {
      metrics.ocspResponderFailed(authority);
      if (trouble.isNews(error))
        log.error({ err: error, authority }, 'no certificate for OCSP answers could be had; trying again');
    },
  });
}
