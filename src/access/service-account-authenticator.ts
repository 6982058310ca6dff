import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { Authenticator } from './authenticator.ts';
import { createBriefMemory } from './brief-memory.ts';
import type { Caller } from './caller.ts';
import { createGate, type GateLimits } from './gate.ts';
import type { ServiceAccountGrants } from './service-account-grants.ts';
import { readServiceAccountToken, type TokenClaims } from './service-account-token.ts';
import { sha256 } from './token-text.ts';

/** How a question to the API server ended; `unanswered` is an outage or a missing right. */
export type ReviewOutcome = 'accepted' | 'refused' | 'unanswered';

export interface ServiceAccountOptions {
  readonly api: Pick<KubernetesApi, 'reviewToken'>;
  readonly grants: ServiceAccountGrants;
  /** What a token must have been made for. */
  readonly audience: string;
  readonly clock: Clock;
  readonly onReviewed?: (outcome: ReviewOutcome) => void;
  /** Questions to the API server at a time, and how many more may wait. */
  readonly limits?: GateLimits;
  /** How many answers of each kind are remembered. */
  readonly cacheSize?: number;
}

/** The most that the revocation of a token can be late. */
const acceptedMilliseconds = 10_000;
/** Short, so that a token which becomes good is soon taken; long enough that a script in a loop costs little. */
const refusedMilliseconds = 2_000;
/** Ours may be this far ahead of the API server's clock, which decides. */
const clockLeewayMilliseconds = 300_000;

/**
 * Accepts the tokens of Kubernetes service accounts: the API server checks each by a TokenReview, the configuration
 * says what the account may do. What cannot come to anything is refused before the API server is asked, by claims that
 * anybody can write; those that are left cost it one review per token and 10 s, and a bounded number at a time.
 */
export function createServiceAccountAuthenticator(
  options: ServiceAccountOptions,
): Pick<Authenticator, 'authenticate'> {
  const { api, grants, audience, clock, onReviewed, cacheSize = 1_000 } = options;
  const gate = createGate(options.limits ?? { running: 32, waiting: 256 });
  // Apart from each other, so that a flood of bad tokens does not drive out the good ones.
  const accepted = createBriefMemory<Caller>(clock, cacheSize);
  const refused = createBriefMemory<undefined>(clock, cacheSize);
  const asking = new Map<string, Promise<Caller | undefined>>();

  function isWorthAReview(claims: TokenClaims): boolean {
    return (
      claims.audiences.includes(audience) &&
      clock.now() < claims.expiresAt * 1000 + clockLeewayMilliseconds &&
      grants.of(claims).length > 0
    );
  }

  async function review(key: string, token: string, claims: TokenClaims): Promise<Caller | undefined> {
    const at = clock.now();
    const caller = await ask(token, claims).catch((error: unknown) => {
      onReviewed?.('unanswered');
      throw outageOf(error);
    });
    onReviewed?.(caller === undefined ? 'refused' : 'accepted');
    if (caller === undefined) refused.keep(key, undefined, at, refusedMilliseconds);
    else accepted.keep(key, caller, at, Math.min(acceptedMilliseconds, claims.expiresAt * 1000 - at));
    return caller;
  }

  async function ask(token: string, claims: TokenClaims): Promise<Caller | undefined> {
    const status = await gate.run(() => api.reviewToken(token, [audience]));
    const { authenticated, user } = status;
    // An authenticator that knows no audiences names none: such a token may have been made for anybody.
    if (!authenticated || user === undefined || !status.audiences.includes(audience)) return undefined;
    // The words of the API server count. Where they differ from the token's own, it is no service account's.
    if (user.username !== claims.username) return undefined;
    return callerOf(claims, grants.of(user));
  }

  return {
    async authenticate(token) {
      const claims = readServiceAccountToken(token);
      if (claims === undefined || !isWorthAReview(claims)) return undefined;
      const key = sha256(token).toString('base64');
      const known = accepted.recall(key) ?? refused.recall(key);
      if (known !== undefined) return known.value;
      const running = asking.get(key) ?? review(key, token, claims).finally(() => asking.delete(key));
      asking.set(key, running);
      return await running;
    },
  };
}

function callerOf({ namespace, name, username }: TokenClaims, grants: Caller['grants']): Caller | undefined {
  return grants.length === 0
    ? undefined
    : { id: `serviceaccount:${namespace}:${name}`, name: username, grants };
}

/** Nobody is known yet, so the caller is not told addresses and names of the cluster; the log has the cause. */
function outageOf(error: unknown): unknown {
  if (!(error instanceof Fault)) return error;
  const { retryAfterSeconds } = error;
  const more = { cause: error, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  return error.code === 'kubernetes-forbidden'
    ? new Fault(
        'kubernetes-forbidden',
        'The service may not have tokens checked (create tokenreviews).',
        more,
      )
    : new Fault('kubernetes-unavailable', 'The Kubernetes API could not check the token.', more);
}
