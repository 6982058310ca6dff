import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller, Grant, Role } from '../../src/access/caller.ts';
import { authorise, type Permission, PermissionFault, permits } from '../../src/access/permissions.ts';

/** The table once more, by hand: a change of it has to be meant. */
const expected: Record<Permission, readonly Role[]> = {
  'certificates:issue': ['admin', 'issuer'],
  'certificates:read-own': ['admin', 'issuer', 'revoker', 'reader'],
  'certificates:read': ['admin', 'revoker', 'reader'],
  'certificates:revoke': ['admin', 'revoker'],
  'certificates:import': ['admin'],
  'authorities:read': ['admin', 'issuer', 'revoker', 'enforcer', 'reader'],
  'profiles:read': ['admin', 'issuer', 'revoker', 'enforcer', 'reader'],
  'client-verifications:read': ['admin', 'enforcer', 'reader'],
  'client-verifications:write': ['admin', 'enforcer'],
  'publications:read': ['admin', 'enforcer', 'reader'],
  'metrics:read': ['admin', 'reader'],
  'tokens:manage': ['admin'],
};
const roles: readonly Role[] = ['admin', 'issuer', 'revoker', 'enforcer', 'reader'];

function callerWith(...grants: Grant[]): Caller {
  return { id: 'token:1', name: 'one', grants };
}

test('each role has exactly the permissions of the table', () => {
  for (const [permission, allowed] of Object.entries(expected)) {
    for (const role of roles) {
      assert.ok(isPermission(permission));
      assert.equal(
        permits(callerWith({ role }), permission),
        allowed.includes(role),
        `${role} ${permission}`,
      );
    }
  }
});

test('a caller without grants may do nothing', () => {
  for (const permission of Object.keys(expected).filter(isPermission))
    assert.equal(permits(callerWith(), permission), false);
});

test('an issuer has the profiles of its grant only', () => {
  const caller = callerWith({ role: 'issuer', profiles: ['client'] });
  assert.equal(permits(caller, 'certificates:issue', { profile: 'client' }), true);
  assert.equal(permits(caller, 'certificates:issue', { profile: 'server' }), false);
  assert.equal(permits(callerWith({ role: 'issuer' }), 'certificates:issue', { profile: 'client' }), false);
  const all = callerWith({ role: 'issuer', profiles: ['*'] });
  assert.equal(permits(all, 'certificates:issue', { profile: 'server' }), true);
});

test('an enforcer has the namespaces of its grant only, and a second grant adds to the first', () => {
  const shop: Grant = { role: 'enforcer', namespaces: ['shop'] };
  const write = 'client-verifications:write';
  assert.equal(permits(callerWith(shop), write, { namespace: 'shop' }), true);
  assert.equal(permits(callerWith(shop), write, { namespace: 'bank' }), false);
  const both = callerWith(shop, { role: 'enforcer', namespaces: ['bank'] });
  assert.equal(permits(both, write, { namespace: 'bank' }), true);
  assert.equal(permits(callerWith(shop, { role: 'reader' }), write, { namespace: 'bank' }), false);
  assert.equal(
    permits(callerWith(shop, { role: 'reader' }), 'client-verifications:read', { namespace: 'bank' }),
    true,
  );
});

test('the refusal names the permission and what it was wanted for', () => {
  const caller = callerWith({ role: 'issuer', profiles: ['client'] });
  assert.throws(
    () => authorise(caller, 'certificates:issue', { profile: 'server' }),
    (error) =>
      error instanceof PermissionFault &&
      error.code === 'forbidden' &&
      error.permission === 'certificates:issue' &&
      error.message === 'This needs the permission certificates:issue for the profile server.',
  );
  assert.doesNotThrow(() => authorise(caller, 'certificates:issue', { profile: 'client' }));
});

function isPermission(text: string): text is Permission {
  return Object.hasOwn(expected, text);
}
