import assert from 'node:assert/strict';
import { it, test } from 'node:test';
import { inspect } from 'node:util';
import { eventually } from '../support/eventually.ts';
import { faultOf } from '../support/faults.ts';
import { contract } from '../support/kubernetes/contract.ts';
import { setUp } from './stand-in-client.ts';

contract('TokenReviews', (ground) => {
  const audience = 'internal-ca';
  const tokenOf = (name: string, audiences = [audience]) =>
    ground.cluster.serviceAccountToken({ namespace: ground.namespace, name, audiences });

  it('tell account, groups and the audiences that are ours', async () => {
    const token = await tokenOf('robot', [audience, 'another']);
    const status = await ground.cluster.admin.reviewToken(token, [audience, 'third']);
    assert.match(status.user?.uid ?? '', /^[0-9a-f-]{36}$/);
    assert.deepEqual(
      { ...status, user: { ...status.user, uid: '' } },
      {
        authenticated: true,
        user: {
          username: `system:serviceaccount:${ground.namespace}:robot`,
          uid: '',
          groups: [
            'system:serviceaccounts',
            `system:serviceaccounts:${ground.namespace}`,
            'system:authenticated',
          ],
        },
        audiences: [audience],
      },
    );
  });

  it('refuse a token for somebody else, one that was changed, and what is none', async () => {
    const { admin } = ground.cluster;
    const token = await tokenOf('robot');
    const foreign = await admin.reviewToken(token, ['another']);
    assert.equal(foreign.authenticated, false);
    assert.equal(foreign.user, undefined);
    assert.deepEqual(foreign.audiences, []);
    assert.match(foreign.error ?? '', /token audiences \["internal-ca"\] is invalid for .*\["another"\]/);
    const [head, claims = '', signature] = token.split('.');
    const parsed = JSON.parse(Buffer.from(claims, 'base64url').toString());
    const raised = { ...parsed, sub: `system:serviceaccount:${ground.namespace}:admin` };
    const forged = Buffer.from(JSON.stringify(raised)).toString('base64url');
    for (const text of [`${head}.${forged}.${signature}`, 'not-a-token']) {
      const status = await admin.reviewToken(text, [audience]);
      assert.equal(status.authenticated, false);
      assert.match(status.error ?? '', /invalid bearer token/);
    }
  });

  it('carry the claims that cheap checks look at first', async () => {
    const token = await tokenOf('robot');
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    assert.deepEqual(claims.aud, [audience]);
    assert.equal(claims.sub, `system:serviceaccount:${ground.namespace}:robot`);
    assert.equal(claims.exp - claims.iat, 600);
  });

  it('refuse the token of an account that is gone, and of its successor of the same name', async () => {
    const { admin, request } = ground.cluster;
    const token = await tokenOf('leaving');
    assert.equal((await admin.reviewToken(token, [audience])).authenticated, true);
    const path = `/api/v1/namespaces/${ground.namespace}/serviceaccounts/leaving`;
    await request({ method: 'DELETE', path });
    // kube-apiserver itself remembers for ten seconds that a token was good.
    await eventually(async () => {
      assert.equal((await admin.reviewToken(token, [audience])).authenticated, false);
    }, 60_000);
    await tokenOf('leaving');
    assert.equal((await admin.reviewToken(token, [audience])).authenticated, false);
  });

  it('need the permission, and do not tell the token when it is missing', async () => {
    const token = await tokenOf('robot');
    const reviewer = await ground.cluster.connectAs([
      { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
    ]);
    assert.equal((await reviewer.reviewToken(token, [audience])).authenticated, true);
    const fault = await faultOf((await ground.cluster.connectAs([])).reviewToken(token, [audience]));
    assert.equal(fault.code, 'kubernetes-forbidden');
    assert.match(fault.message, /create tokenreviews: .*cannot create resource "tokenreviews"/);
    assert.ok(!`${fault.stack}${String(fault.cause)}`.includes(token));
  });
});

test('a token that the answer repeats is not passed on', async (t) => {
  const { server, api } = await setUp(t);
  const token = 'eyJhbGciOiJub25lIn0.e30.c2lnbmF0dXJl';
  for (const status of [403, 500]) {
    server.interfere(() => ({
      status,
      body: { kind: 'Status', message: `a webhook does not like ${token}`, code: status },
    }));
    const fault = await faultOf(api.reviewToken(token, ['internal-ca']));
    assert.match(fault.message, /does not like \[the token\]/);
    assert.ok(!inspect(fault, { depth: 10 }).includes(token));
  }
});
