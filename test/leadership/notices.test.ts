import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Term } from '../../src/leadership/leadership.ts';
import type { Notice, NoticeHandler } from '../../src/store/notifications.ts';
import { followNotices, tellOfRevocations } from '../../src/wiring/leadership.ts';

/** What one replica does with notices, and which it sends. */
function setUp(leads: boolean) {
  const done: string[] = [];
  const sent: Notice[] = [];
  let handler: NoticeHandler | undefined;
  const term: Term = {
    epoch: 1n,
    signal: new AbortController().signal,
    assertCurrent: async () => undefined,
  };
  const parts = {
    leadership: { term: leads ? term : undefined, wake: () => done.push('wake') },
    keeper: {
      notify: (authority: string, urgent: boolean) => done.push(`${authority}${urgent ? ' at once' : ''}`),
      maintain: async () => void done.push('maintain'),
    },
    revocationIndex: { wake: () => done.push('look') },
  };
  const notifications = {
    send: (notice: Notice) => sent.push(notice),
    listen: (listener: NoticeHandler) => {
      handler = listener;
    },
  };
  followNotices(notifications, parts);
  return {
    done,
    sent,
    hear: (notice: Notice) => handler?.onNotice(notice),
    connect: () => handler?.onListening(),
    revoked: tellOfRevocations(notifications, parts),
  };
}

const crl: Notice = { kind: 'crl', authority: 'internal-ca' };
const revoked = (urgent: boolean): Notice => ({ kind: 'revoked', authority: 'internal-ca', urgent });

test('a revocation is looked at here without a notice, told to all, and the leader builds', () => {
  const leader = setUp(true);
  leader.revoked('internal-ca', true);
  assert.deepEqual([leader.done, leader.sent], [['look', 'internal-ca at once'], [revoked(true)]]);
  const follower = setUp(false);
  follower.revoked('internal-ca', true);
  follower.revoked('internal-ca', false);
  assert.deepEqual(
    [follower.done, follower.sent],
    [
      ['look', 'look'],
      [revoked(true), revoked(false)],
    ],
  );
});

test('the leader builds for what others revoke, and waits for company only where nobody is in a hurry', () => {
  const leader = setUp(true);
  leader.hear(revoked(false));
  leader.hear(revoked(true));
  leader.hear(crl);
  assert.deepEqual(
    leader.done,
    ['look', 'internal-ca', 'look', 'internal-ca at once'],
    'its own CRL is no news to it',
  );
});

test('the others look at what was revoked, and fetch the CRL that the leader has built', () => {
  const follower = setUp(false);
  follower.hear(crl);
  follower.hear(revoked(true));
  assert.deepEqual(follower.done, ['internal-ca at once', 'look']);
});

test('a vacancy is looked at, and after a lost connection everything is', () => {
  const follower = setUp(false);
  follower.hear({ kind: 'vacant' });
  assert.deepEqual(follower.done, ['wake']);
  follower.connect();
  assert.deepEqual(follower.done, ['wake', 'wake', 'look', 'maintain']);
});
