import { bootstrapAdminToken } from '../access/admin-token.ts';
import { anyOf } from '../access/any-authenticator.ts';
import { type Authenticator, createAuthenticator } from '../access/authenticator.ts';
import { createServiceAccountAuthenticator } from '../access/service-account-authenticator.ts';
import { loadServiceAccountGrants, type ServiceAccountGrants } from '../access/service-account-grants.ts';
import { createTokenService, type TokenService } from '../access/token-service.ts';
import type { Config } from '../config/config.ts';
import type { LoadedProfiles } from '../issuance/load-profiles.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Database } from '../store/database.ts';
import { createTokenStore } from '../store/tokens.ts';
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

interface AccessParts {
  readonly database: Database;
  readonly grants: ServiceAccountGrants | undefined;
  readonly kubernetes: KubernetesApi | undefined;
  readonly metrics: Metrics;
}

/** Who calls, and the service's own tokens. At the very first start somebody is let in: see `bootstrapAdminToken`. */
export async function openAccess(
  input: ServiceInput,
  parts: AccessParts,
): Promise<{ authenticator: Pick<Authenticator, 'authenticate'>; tokens: TokenService }> {
  const { config, clock } = input;
  const store = createTokenStore(parts.database);
  const admin = config.adminToken === undefined ? {} : { adminToken: config.adminToken };
  const authenticator = createAuthenticator({ store, clock, ...admin });
  await letFirstIn(input, store, admin);
  return {
    authenticator: everybody(input, authenticator, parts),
    tokens: createTokenService({
      store,
      clock,
      authenticator,
      adminTokenConfigured: config.adminToken !== undefined,
    }),
  };
}

async function letFirstIn(
  { config, clock, log }: ServiceInput,
  store: ReturnType<typeof createTokenStore>,
  admin: { readonly adminToken?: string },
): Promise<void> {
  const first = await bootstrapAdminToken({ store, clock, directory: config.dataDirectory, ...admin });
  if (first.kind === 'elsewhere') log.warn(first, 'the administrator token is not in this directory');
  else log.info(first, 'administrator token');
}

/** Everybody who can call: the service's own tokens first, then, where configured, service accounts. */
function everybody(
  { config, clock }: ServiceInput,
  tokens: Pick<Authenticator, 'authenticate'>,
  { grants, kubernetes, metrics }: AccessParts,
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
