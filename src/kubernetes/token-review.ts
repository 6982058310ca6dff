import { Fault } from '../fault.ts';
import { membersOf } from '../members-of.ts';
import { faultOf } from './api-error.ts';
import type { TokenReviewStatus } from './objects.ts';
import type { Transport } from './transport.ts';

/**
 * Asks the API server whose bearer token this is (authentication.k8s.io/v1). Whatever answers may echo the request:
 * the token is cut out of it before it becomes a message.
 * @throws Fault as `KubernetesApi`
 */
export async function reviewToken(
  transport: Transport,
  token: string,
  audiences: readonly string[],
): Promise<TokenReviewStatus> {
  const response = await transport.send({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/tokenreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } },
    // A review changes nothing.
    repeatable: true,
  });
  const body: unknown = JSON.parse(JSON.stringify(response.body).replaceAll(token, '[the token]'));
  if (response.status < 200 || response.status > 299) {
    throw faultOf({ verb: 'create', resource: 'tokenreviews' }, { ...response, body });
  }
  return readStatus(body);
}

function readStatus(body: unknown): TokenReviewStatus {
  const review = membersOf(body);
  const status = membersOf(review.status);
  if (review.kind !== 'TokenReview') {
    throw new Fault('kubernetes-unavailable', 'What answered the TokenReview is not the Kubernetes API');
  }
  const { username, uid, groups } = membersOf(status.user);
  const error = typeof status.error === 'string' ? { error: status.error } : {};
  const audiences = strings(status.audiences);
  if (status.authenticated !== true || typeof username !== 'string' || username === '') {
    return { authenticated: false, audiences, ...error };
  }
  const user = { username, groups: strings(groups), ...(typeof uid === 'string' ? { uid } : {}) };
  return { authenticated: true, user, audiences, ...error };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
