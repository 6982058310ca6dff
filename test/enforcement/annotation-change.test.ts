import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  annotationsToApply,
  rememberBefore,
  restoration,
  withoutOurs,
} from '../../src/enforcement/annotation-change.ts';
import type { VerificationRecord } from '../../src/enforcement/verification-records.ts';
import type { Ingress, ManagedFieldsEntry } from '../../src/kubernetes/objects.ts';

type Owners = Readonly<Record<string, readonly string[]>>;

/** An Ingress with these annotations; `internal-ca` applies, everybody else updates. */
function live(annotations: Readonly<Record<string, string>>, owners: Owners): Ingress {
  const managedFields: ManagedFieldsEntry[] = Object.entries(owners).map(([manager, names]) => ({
    manager,
    operation: manager === 'internal-ca' ? 'Apply' : 'Update',
    fieldsV1: {
      'f:metadata': { 'f:annotations': Object.fromEntries(names.map((name) => [`f:${name}`, {}])) },
    },
  }));
  return { metadata: { name: 'web', namespace: 'app', uid: 'u', annotations, managedFields } };
}

function record(
  before: VerificationRecord['before'],
  written: VerificationRecord['written'],
): VerificationRecord {
  return {
    namespace: 'app',
    name: 'web',
    uid: 'u',
    controller: 'ingress-nginx',
    authority: 'internal-ca',
    state: 'applied',
    settings: { mode: 'on', passCertificate: true, revocation: 'crl' },
    hosts: [],
    revocationEnforced: true,
    revocation: { effective: 'crl', wholeHost: false },
    written,
    before,
    origin: 'api',
    trouble: [],
    requester: 'token:1',
    createdAt: new Date(0),
    updatedAt: new Date(0),
  };
}

test('before: what stands there, or null', () => {
  assert.deepEqual(rememberBefore(live({ a: '1' }, { kubectl: ['a'] }), undefined, { a: '2', b: '3' }), {
    a: '1',
    b: null,
  });
});

test('before: of our own annotations, what is recorded; of those taken over since, what stands there now', () => {
  const there = live({ a: '2', b: 'theirs' }, { 'internal-ca': ['a'], kubectl: ['b'] });
  const known = record({ a: '1', b: null }, { a: '2', b: '3' });
  assert.deepEqual(rememberBefore(there, known, { a: '2', b: '3' }), { a: '1', b: 'theirs' });
});

test('before: an annotation that is no longer wanted is remembered for as long as it is ours', () => {
  const known = record({ a: '1', b: null }, { a: '2', b: '3' });
  assert.deepEqual(rememberBefore(live({ a: '2' }, { 'internal-ca': ['a'] }), known, { b: '4' }), {
    a: '1',
    b: null,
  });
  assert.deepEqual(rememberBefore(live({ a: '5' }, { kubectl: ['a'] }), known, { b: '4' }), { b: null });
});

test('before: a value that somebody else holds as well is theirs, even without a record', () => {
  const shared = live({ a: '2' }, { 'internal-ca': ['a'], kubectl: ['a'] });
  assert.deepEqual(rememberBefore(shared, undefined, { a: '2' }), { a: '2' });
  assert.deepEqual(rememberBefore(live({ a: '2' }, { 'internal-ca': ['a'] }), undefined, { a: '2' }), {
    a: null,
  });
});

test('apply: what we hold and no longer want goes back to what it was, and is not merely dropped', () => {
  const there = live({ a: '2', b: '3', c: '4' }, { 'internal-ca': ['a', 'b', 'c'] });
  assert.deepEqual(annotationsToApply(there, { a: '1', b: null }, { d: '5' }), { a: '1', c: '4', d: '5' });
});

test('apply: what somebody else holds as well is let go, and not taken from them', () => {
  const there = live({ a: '2' }, { 'internal-ca': ['a'], helm: ['a'] });
  assert.deepEqual(annotationsToApply(there, { a: '1' }, { d: '5' }), { d: '5' });
  assert.deepEqual(annotationsToApply(there, { a: '1' }, { a: '3' }), { a: '3' });
});

test('an adapter judges what is there without us', () => {
  const there = live({ a: '2', b: '3', c: '4' }, { 'internal-ca': ['a', 'b'], kubectl: ['c'] });
  const known = record({ a: '1', b: null, c: '0' }, { a: '2', b: '3', c: '9' });
  assert.deepEqual(withoutOurs(there, known).metadata.annotations, { a: '1', c: '4' });
});

test('undo: ours goes back; what others hold as well, or set since, stays', () => {
  const there = live(
    { ours: '1', gone: '1', shared: '1', changed: '2' },
    { 'internal-ca': ['ours', 'gone', 'shared'], argocd: ['shared', 'changed'] },
  );
  const known = record(
    { ours: '0', gone: null, shared: null, changed: null },
    { ours: '1', gone: '1', shared: '1', changed: '1' },
  );
  const { annotations, warnings } = restoration(there, known);
  assert.deepEqual(annotations, { ours: '0', gone: null });
  assert.deepEqual(
    warnings.map(({ detail }) => detail.split(' ')[0]),
    ['shared', 'changed'],
  );
});

test('undo: without any ownership data the value tells what is ours', () => {
  const known = record({ a: null, b: '0' }, { a: '1', b: '1' });
  const { annotations, warnings } = restoration(live({ a: '1', b: 'theirs' }, {}), known);
  assert.deepEqual(annotations, { a: null });
  assert.equal(warnings.length, 1);
});
