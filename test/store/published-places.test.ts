import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublishedPlaceStore, type SeenPlace } from '../../src/store/published-places.ts';
import { createTestDatabase } from '../support/database.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 12, minute));
const shop: SeenPlace = {
  place: 'secret:shop/internal-ca',
  finding: 'current',
  // Beyond 2^63: RFC 5280 allows twenty octets.
  crlNumber: '730750818665451459101842416358141509827966271487',
  nextUpdate: at(59),
  at: at(1),
};
const url: SeenPlace = {
  place: 'url:http://ca.example/crl/internal-ca.crl',
  finding: 'unread',
  detail: 'He said "no" {}, \\ and \u{1f512}',
  at: at(1),
};

test('what was seen comes back, the later look counts, and what is gone goes', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createPublishedPlaceStore(db);
  assert.deepEqual(await store.list(), []);
  await store.save([url, shop]);
  await store.save([]);
  assert.deepEqual(await store.list(), [shop, url]);
  const later: SeenPlace = { place: shop.place, finding: 'missing', detail: 'a\0b', at: at(3) };
  await store.save([later]);
  await store.save([{ ...shop, at: at(2) }]);
  assert.deepEqual(await store.list(), [{ ...later, detail: 'ab' }, url]);
  await store.retain([url.place]);
  assert.deepEqual(await store.list(), [url]);
  await db.query({ text: "update published_places set finding = 'a word of later'", values: [] });
  assert.equal((await store.list())[0]?.finding, 'unread');
});

test('a look from a clock that was ahead by days keeps no later one out', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createPublishedPlaceStore(db);
  const now = Date.now();
  await store.save([{ ...shop, finding: 'lapsed', detail: 'x', at: new Date(now + 3 * 86_400_000) }]);
  const present = { ...shop, at: new Date(now) };
  await store.save([present]);
  assert.deepEqual(await store.list(), [present]);
  await store.save([{ ...shop, finding: 'missing', detail: 'x', at: new Date(now - 1_000) }]);
  assert.deepEqual(await store.list(), [present]);
});
