import { anyOf } from '../access/any-authenticator.ts';
import type { Authenticator } from '../access/authenticator.ts';
import { createServiceAccountAuthenticator } from '../access/service-account-authenticator.ts';
import { loadServiceAccountGrants, type ServiceAccountGrants } from '../access/service-account-grants.ts';
import type { Config } from '../config/config.ts';
import type { LoadedProfiles } from '../issuance/load-profiles.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ServiceInput } from './service-input.ts';

/** Needs nothing but files, so that a mistake is found before a CA is made. @throws ConfigError */
export async function readServiceAccountGrants(
  { access }: Config,
  profiles: LoadedProfiles,
): Promise<ServiceAccountGrants | undefined> {
  const { serviceAccountGrantsFile } = access;
  if (serviceAccountGrantsFile === undefined) return undefined;
  const names = [...profiles.builtIn, ...profiles.own].map(({ name }) => name);
  return loadServiceAccountGrants(serviceAccountGrantsFile, [...new Set(names)]);
}

interface CallerParts {
  /** Of the service's own tokens. */
  readonly tokens: Pick<Authenticator, 'authenticate'>;
  readonly grants: ServiceAccountGrants | undefined;
  readonly kubernetes: KubernetesApi | undefined;
  readonly metrics: Metrics;
}

/** Everybody who can call: the service's own tokens first, then, where configured, service accounts. */
export function openCallers(
  { config, clock }: ServiceInput,
  { tokens, grants, kubernetes, metrics }: CallerParts,
): Pick<Authenticator, 'authenticate'> {
  if (grants === undefined || kubernetes === undefined) return tokens;
  const serviceAccounts = createServiceAccountAuthenticator({
    api: kubernetes,
    grants,
    audience: config.access.tokenAudience,
    clock,
    onReviewed: (outcome) => metrics.tokenReviewed(outcome),
  });
  return anyOf([tokens, serviceAccounts]);
}
