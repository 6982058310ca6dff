import type { AuthorityRegistry } from '../authority/authority.ts';
import { createIssuanceService, type IssuanceService } from '../issuance/issuance-service.ts';
import { boundProfiles, type LoadedProfiles } from '../issuance/load-profiles.ts';
import type { createCertificateStore } from '../store/certificates.ts';
import { templatesOf } from './crl-distribution.ts';
import type { ServiceInput } from './service-input.ts';

export function createIssuance(
  { config, clock }: ServiceInput,
  authorities: AuthorityRegistry,
  certificates: ReturnType<typeof createCertificateStore>,
  loaded: LoadedProfiles,
): IssuanceService {
  const { notBefore, notAfter } = authorities.default.certificate;
  const { maxValiditySeconds, backdateSeconds } = config.issuance;
  const profiles = boundProfiles(loaded, {
    authoritySeconds: (notAfter.getTime() - notBefore.getTime()) / 1000,
    ...(maxValiditySeconds === undefined ? {} : { maxSeconds: maxValiditySeconds }),
  });
  const templates = templatesOf(config);
  return createIssuanceService({ authorities, certificates, profiles, templates, clock, backdateSeconds });
}
