import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createServiceAccountAuthenticator,
  type ReviewOutcome,
  type ServiceAccountOptions,
} from '../../src/access/service-account-authenticator.ts';
import { Fault } from '../../src/fault.ts';
import type { TokenReviewStatus } from '../../src/kubernetes/client.ts';
import { createTestClock } from '../support/clock.ts';
import { claimsOf, unsignedToken } from './service-account-tokens.ts';

const groups = ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'];
const robot: TokenReviewStatus = {
  authenticated: true,
  user: { username: 'system:serviceaccount:shop:robot', groups },
  audiences: ['internal-ca'],
};
const unknown: TokenReviewStatus = { authenticated: false, audiences: [], error: 'invalid bearer token' };

/** The authenticator over an API server that answers as the test says. */
function setUp(options: Partial<ServiceAccountOptions> = {}) {
  const clock = createTestClock();
  const reviewed: { token: string; audiences: readonly string[] }[] = [];
  const outcomes: ReviewOutcome[] = [];
  const api = { answer: async (): Promise<TokenReviewStatus> => robot };
  const authenticator = createServiceAccountAuthenticator({
    api: {
      async reviewToken(token, audiences) {
        reviewed.push({ token, audiences });
        return api.answer();
      },
    },
    grants: {
      of: ({ username, groups: all }) =>
        username === 'system:serviceaccount:shop:robot' || all.includes('system:serviceaccounts:ops')
          ? [{ role: 'reader' }]
          : [],
    },
    audience: 'internal-ca',
    clock,
    onReviewed: (outcome) => outcomes.push(outcome),
    ...options,
  });
  return {
    clock,
    reviewed,
    outcomes,
    api,
    authenticate: (token: string) => authenticator.authenticate(token),
  };
}

const tokenOf = (namespace: string, name: string, more?: object): string =>
  unsignedToken(claimsOf(namespace, name, more));

test('a token that the API server knows is its account, with the grants of the configuration', async () => {
  const { authenticate, reviewed, outcomes } = setUp();
  const token = tokenOf('shop', 'robot');
  assert.deepEqual(await authenticate(token), {
    id: 'serviceaccount:shop:robot',
    name: 'system:serviceaccount:shop:robot',
    grants: [{ role: 'reader' }],
  });
  assert.deepEqual(reviewed, [{ token, audiences: ['internal-ca'] }]);
  assert.deepEqual(outcomes, ['accepted']);
});

test('a whole namespace has its grants by its group', async () => {
  const { authenticate, api } = setUp();
  const username = 'system:serviceaccount:ops:anybody';
  api.answer = async () => ({ ...robot, user: { username, groups: ['system:serviceaccounts:ops'] } });
  assert.equal((await authenticate(tokenOf('ops', 'anybody')))?.id, 'serviceaccount:ops:anybody');
});

test('what cannot come to anything is refused before the API server is asked', async () => {
  const { authenticate, reviewed } = setUp();
  const passed = createTestClock().now() / 1000;
  for (const token of [
    'ica_first_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'nonsense',
    tokenOf('shop', 'robot', { aud: ['https://kubernetes.default.svc.cluster.local'] }),
    tokenOf('shop', 'robot', { aud: undefined }),
    tokenOf('shop', 'robot', { exp: passed - 300 }),
    tokenOf('shop', 'somebody'),
    tokenOf('bank', 'robot'),
  ])
    assert.equal(await authenticate(token), undefined, token);
  assert.deepEqual(reviewed, []);
});

test('a clock five minutes ahead of the API server, which decides, refuses nobody', async () => {
  const { authenticate, clock, reviewed } = setUp();
  const token = tokenOf('shop', 'robot', { exp: clock.now() / 1000 - 299 });
  assert.ok(await authenticate(token));
  // It is not believed past its end, so each call is asked about.
  assert.ok(await authenticate(token));
  assert.equal(reviewed.length, 2);
});

const answers: readonly (readonly [what: string, status: TokenReviewStatus])[] = [
  ['is not authenticated', unknown],
  ['names other audiences', { ...robot, audiences: ['other'] }],
  ['names no audience, as authenticators that know none', { ...robot, audiences: [] }],
  [
    'names another user',
    { ...robot, user: { username: 'oidc:alice', groups: ['system:serviceaccounts:ops'] } },
  ],
  ['names nobody', { authenticated: true, audiences: ['internal-ca'] }],
  ['says no, whatever user it names', { ...robot, authenticated: false }],
];
for (const [what, status] of answers) {
  test(`refused: the review ${what}`, async () => {
    const { authenticate, api, outcomes } = setUp();
    api.answer = async () => status;
    assert.equal(await authenticate(tokenOf('shop', 'robot')), undefined);
    assert.deepEqual(outcomes, ['refused']);
  });
}

test('a claimed group that the API server does not confirm gives nothing', async () => {
  const { authenticate, api } = setUp();
  const username = 'system:serviceaccount:ops:anybody';
  api.answer = async () => ({ ...robot, user: { username, groups: ['system:authenticated'] } });
  assert.equal(await authenticate(tokenOf('ops', 'anybody')), undefined);
});

test('an answer is believed for less than 10 s, so a revoked token is refused after that', async () => {
  const { authenticate, api, clock, reviewed } = setUp();
  const token = tokenOf('shop', 'robot');
  await authenticate(token);
  api.answer = async () => unknown;
  clock.advance(9.999);
  assert.ok(await authenticate(token));
  assert.equal(reviewed.length, 1);
  clock.advance(0.001);
  assert.equal(await authenticate(token), undefined);
});

test('a slow answer is as old as its question', async () => {
  const { authenticate, api, clock, reviewed } = setUp();
  const token = tokenOf('shop', 'robot');
  api.answer = async () => {
    clock.advance(8);
    return robot;
  };
  await authenticate(token);
  clock.advance(2);
  await authenticate(token);
  assert.equal(reviewed.length, 2);
});

test('an answer is not believed past the end of the token', async () => {
  const { authenticate, api, clock } = setUp();
  const token = tokenOf('shop', 'robot', { exp: clock.now() / 1000 + 3 });
  await authenticate(token);
  api.answer = async () => unknown;
  clock.advance(2.999);
  assert.ok(await authenticate(token));
  clock.advance(0.001);
  assert.equal(await authenticate(token), undefined);
});

test('a clock that is set back does not lengthen the life of an answer', async () => {
  const { authenticate, api, clock } = setUp();
  const token = tokenOf('shop', 'robot');
  await authenticate(token);
  api.answer = async () => unknown;
  clock.advance(-300);
  assert.equal(await authenticate(token), undefined);
});

test('a refusal is remembered for 2 s', async () => {
  const { authenticate, api, clock, reviewed } = setUp();
  const token = tokenOf('shop', 'robot');
  api.answer = async () => unknown;
  await authenticate(token);
  api.answer = async () => robot;
  clock.advance(1.999);
  assert.equal(await authenticate(token), undefined);
  assert.equal(reviewed.length, 1);
  clock.advance(0.001);
  assert.ok(await authenticate(token));
});

test('two tokens of one account are two questions', async () => {
  const { authenticate, reviewed } = setUp();
  await authenticate(tokenOf('shop', 'robot', { jti: 'a' }));
  await authenticate(tokenOf('shop', 'robot', { jti: 'b' }));
  assert.equal(reviewed.length, 2);
});

test('the same claims with another signature are another token', async () => {
  const { authenticate, api } = setUp();
  const token = tokenOf('shop', 'robot');
  assert.ok(await authenticate(token));
  api.answer = async () => unknown;
  const forged = `${token.slice(0, token.lastIndexOf('.'))}.${Buffer.alloc(256).toString('base64url')}`;
  assert.equal(await authenticate(forged), undefined);
  assert.ok(await authenticate(token));
});

test('calls with one token at the same time are one question', async () => {
  const { authenticate, api, reviewed } = setUp();
  const gate = Promise.withResolvers<TokenReviewStatus>();
  api.answer = () => gate.promise;
  const token = tokenOf('shop', 'robot');
  const calls = Array.from({ length: 20 }, () => authenticate(token));
  gate.resolve(robot);
  assert.equal((await Promise.all(calls)).filter((caller) => caller !== undefined).length, 20);
  assert.equal(reviewed.length, 1);
});

test('an outage is 503 for these tokens, tells a stranger nothing of the cluster, and is not remembered', async () => {
  const { authenticate, api, outcomes } = setUp();
  const token = tokenOf('shop', 'robot');
  const away = 'The Kubernetes API at https://10.1.2.3:6443 did not answer: connect ECONNREFUSED';
  api.answer = async () => {
    throw new Fault('kubernetes-unavailable', away, { retryAfterSeconds: 7 });
  };
  await assert.rejects(authenticate(token), (error) => {
    assert.ok(error instanceof Fault);
    assert.equal(error.code, 'kubernetes-unavailable');
    assert.equal(error.retryAfterSeconds, 7);
    assert.equal(error.message, 'The Kubernetes API could not check the token.');
    assert.ok(error.cause instanceof Fault && error.cause.message === away, 'the log has it');
    return true;
  });
  assert.deepEqual(outcomes, ['unanswered']);
  api.answer = async () => robot;
  assert.ok(await authenticate(token));
});

test('while the API server is away, an answer from before holds', async () => {
  const { authenticate, api, clock } = setUp();
  const token = tokenOf('shop', 'robot');
  await authenticate(token);
  api.answer = async () => {
    throw new Fault('kubernetes-unavailable', 'away');
  };
  clock.advance(9);
  assert.ok(await authenticate(token));
  clock.advance(1);
  await assert.rejects(authenticate(token), { code: 'kubernetes-unavailable' });
});

test('without the right to review tokens the fault says which one is missing', async () => {
  const { authenticate, api } = setUp();
  api.answer = async () => {
    throw new Fault('kubernetes-forbidden', 'Not allowed: create tokenreviews: User "x" cannot …');
  };
  await assert.rejects(authenticate(tokenOf('shop', 'robot')), {
    code: 'kubernetes-forbidden',
    message: 'The service may not have tokens checked (create tokenreviews).',
  });
});

test('a flood asks a bounded number of questions at a time, and the rest is told to come back', async () => {
  const { authenticate, api, reviewed, outcomes } = setUp({ limits: { running: 2, waiting: 3 } });
  const first = Promise.withResolvers<TokenReviewStatus>();
  api.answer = () => first.promise;
  const calls = Array.from({ length: 8 }, (_, i) => authenticate(tokenOf('shop', 'robot', { jti: `${i}` })));
  const settled = Promise.allSettled(calls);
  for (const late of calls.slice(5))
    await assert.rejects(late, { code: 'kubernetes-unavailable', retryAfterSeconds: 1 });
  assert.equal(reviewed.length, 2);
  first.resolve(unknown);
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    [...Array(5).fill('fulfilled'), ...Array(3).fill('rejected')],
  );
  assert.equal(reviewed.length, 5);
  assert.equal(outcomes.length, 8);
  // All places are free again.
  api.answer = async () => robot;
  const after = Array.from({ length: 5 }, (_, i) =>
    authenticate(tokenOf('shop', 'robot', { jti: `after ${i}` })),
  );
  assert.equal((await Promise.all(after)).filter((caller) => caller !== undefined).length, 5);
});

test('in an outage those who wait are told at once, and not each after a timeout of its own', async () => {
  const { authenticate, api, reviewed } = setUp({ limits: { running: 1, waiting: 10 } });
  const first = Promise.withResolvers<TokenReviewStatus>();
  api.answer = () => first.promise;
  const calls = Array.from({ length: 6 }, (_, i) => authenticate(tokenOf('shop', 'robot', { jti: `${i}` })));
  first.reject(new Fault('kubernetes-unavailable', 'no answer within 10000 ms'));
  const outcomes = await Promise.allSettled(calls);
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  assert.equal(reviewed.length, 1);
  api.answer = async () => robot;
  assert.ok(await authenticate(tokenOf('shop', 'robot')));
});

test('the memory is bounded, and bad tokens do not drive out good ones', async () => {
  const { authenticate, api, reviewed } = setUp({ cacheSize: 2 });
  const good = tokenOf('shop', 'robot', { jti: 'good' });
  await authenticate(good);
  api.answer = async () => unknown;
  const bad = Array.from({ length: 5 }, (_, i) => tokenOf('shop', 'robot', { jti: `${i}` }));
  for (const token of bad) await authenticate(token);
  reviewed.length = 0;
  assert.ok(await authenticate(good));
  assert.equal(reviewed.length, 0);
  // Of the bad ones only the last two are remembered.
  for (const token of bad.toReversed()) await authenticate(token);
  assert.equal(reviewed.length, 3);
});
