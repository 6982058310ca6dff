import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Content } from '../../src/watchdog/content.ts';
import { createPartTurns } from '../../src/watchdog/part-turns.ts';
import { crl, placeWith, setUp, shopId } from './one-watchdog.ts';
import { hour, start } from './published.ts';

test('the leader looks everywhere, the others at themselves and their own copy', async (t) => {
  const one = setUp(t);
  await one.begin(false);
  assert.deepEqual(
    [one.self.state.looks > 0, one.own.state.looks > 0, one.shop.state.looks > 0],
    [true, true, false],
  );
  assert.deepEqual([...one.database.rows.keys()], [one.own.place.id], 'what is ours alone is not recorded');
  const other = setUp(t);
  await other.begin();
  assert.equal(other.watchdog.figures.places, 3);
  assert.deepEqual([...other.database.rows.keys()], [other.own.place.id, shopId]);
  assert.deepEqual(await other.watchdog.seen(), [
    {
      place: 'secret:pki/internal-ca',
      finding: 'current',
      crlNumber: '1',
      nextUpdate: new Date(start + 10 * hour),
      at: new Date(start),
    },
    {
      place: shopId,
      finding: 'current',
      crlNumber: '1',
      nextUpdate: new Date(start + 10 * hour),
      at: new Date(start),
    },
  ]);
  await other.endTerm();
  assert.equal(other.watchdog.figures.places, 2, 'the series of what others look at end');
});

test('behind: when the newer one has been due for the grace, and not before', async (t) => {
  const { begin, after, database, shop, own, self, rechecked, turns, told } = setUp(t);
  await begin();
  assert.deepEqual(await after(3_600), {});
  database.latest = 2n;
  for (const { state } of [own, self]) state.content = crl(2n);
  assert.deepEqual(await after(10), {});
  assert.deepEqual(await after(59), {});
  assert.deepEqual(rechecked, []);
  assert.deepEqual(await after(1), { [shopId]: 'behind' });
  assert.deepEqual(rechecked, [shopId], 'whoever keeps it is told at once');
  assert.equal(shop.state.doubts, 1);
  await after(10);
  assert.deepEqual(turns, [`${shopId} behind`], 'told once');
  assert.equal(told.filter((line) => line.includes('behind')).length, 1);
  shop.state.content = crl(2n);
  assert.deepEqual(await after(10), {});
  assert.deepEqual(turns, [`${shopId} behind`, `${shopId} current`]);
});

test('a copy that is always the last but one, as CRLs come fast, is current', async (t) => {
  const { begin, after, database, own, self, shop } = setUp(t);
  await begin();
  for (let number = 2n; number < 30n; number += 1n) {
    database.latest = number;
    for (const { state } of [own, self, shop]) state.content = crl(number - 1n);
    assert.deepEqual(await after(70), {});
  }
  assert.deepEqual(await after(70), {
    [own.place.id]: 'behind',
    [self.place.id]: 'behind',
    [shopId]: 'behind',
  });
});

test('lapsing at half of the overlap, lapsed at nextUpdate, also while nothing can be read', async (t) => {
  const { begin, after, shop, own, self, database } = setUp(t);
  await begin();
  for (const { state } of [own, self]) state.content = crl(1n, start, 100);
  assert.deepEqual(await after(5 * 3_600), {}, 'all of the overlap is left');
  assert.deepEqual(await after(2.5 * 3_600 + 29), {}, 'half of it, and the grace');
  await after(2);
  assert.deepEqual(await after(60), { [shopId]: 'lapsing' });
  shop.state.content = new Error('no connection');
  database.away = true;
  assert.deepEqual(await after(60), { [shopId]: 'lapsing' });
  assert.deepEqual(await after(2.5 * 3_600), { [shopId]: 'lapsed' });
  shop.state.content = crl(2n, start + 10 * hour);
  assert.deepEqual(await after(60), {});
});

test("what is edited and mended within the grace is nobody's fault, and what stays is", async (t) => {
  const { begin, after, shop, rechecked } = setUp(t);
  await begin();
  const wrong: readonly (readonly [string, Content])[] = [
    ['broken', { kind: 'broken', detail: 'x' }],
    ['missing', { kind: 'missing', detail: 'x' }],
    ['missing', { kind: 'content', crls: [] }],
    ['not-yet-valid', crl(1n, start + 100 * hour)],
  ];
  for (const [finding, content] of wrong) {
    shop.state.content = content;
    assert.deepEqual(await after(30), {});
    assert.equal(rechecked.pop(), shopId, 'but whoever keeps it looks');
    shop.state.content = crl(1n);
    assert.deepEqual(await after(30), {});
    shop.state.content = content;
    await after(30);
    assert.deepEqual(await after(60), { [shopId]: finding });
    shop.state.content = crl(1n);
    assert.deepEqual(await after(1), {});
  }
});

test('a copy that is to have no CRL has none', async (t) => {
  const { begin, after, shop } = setUp(t);
  await begin();
  shop.state.mayHaveCrls = false;
  assert.deepEqual(await after(10), {}, 'it was decided just now');
  assert.deepEqual(await after(59), {});
  assert.deepEqual(await after(1), { [shopId]: 'behind' });
  shop.state.content = { kind: 'content', crls: [] };
  assert.deepEqual(await after(10), {});
});

test('unread is a fault when it lasts for two intervals', async (t) => {
  const { begin, after, shop, watchdog } = setUp(t);
  await begin();
  shop.state.content = new Error('connect ECONNREFUSED');
  assert.deepEqual(await after(300), {});
  assert.deepEqual(await after(599), {});
  assert.deepEqual(await after(1), { [shopId]: 'unread' });
  const [, seen] = await watchdog.seen();
  assert.partialDeepStrictEqual(seen, { finding: 'unread', detail: 'connect ECONNREFUSED', crlNumber: '1' });
});

test('places that are gone are forgotten, here and in the database', async (t) => {
  const { begin, after, shop, own, places, database, watchdog } = setUp(t);
  await begin();
  shop.state.content = { kind: 'broken', detail: 'x' };
  await after(10);
  assert.deepEqual(await after(60), { [shopId]: 'broken' });
  places.everywhere = () => [own.place];
  assert.deepEqual(await after(10), {});
  assert.deepEqual([...database.rows.keys()], [own.place.id]);
  assert.ok([...watchdog.figures.crls()].every(({ place }) => place !== shopId));
});

test('ready while it serves a CRL that holds, whatever others have', async (t) => {
  const { begin, after, self, shop, own, clock, watchdog } = setUp(t);
  await assert.rejects(watchdog.assertServing(), /does not listen yet/);
  await begin();
  for (const { state } of [shop, own]) state.content = { kind: 'broken', detail: 'x' };
  await after(10);
  await after(60);
  await watchdog.assertServing();
  clock.set(start + 10 * hour);
  await assert.rejects(watchdog.assertServing(), /the CRL of ca lapsed at 2026-11-23T22:00:00.000Z/);
  self.state.content = crl(2n, start + 10 * hour);
  await watchdog.assertServing();
  self.state.content = { kind: 'missing', detail: 'the answer has status 503' };
  await after(10);
  await assert.rejects(watchdog.assertServing(), /no CRL can be read from self/);
});

test('what this process serves beside that is its own to tell, and takes it out of no service', async (t) => {
  const { begin, after, self, own, shop, places, database, watchdog, told } = setUp(t);
  const part = placeWith('self:/crl/ca/shards/4/2.crl');
  places.turn = [part.place];
  part.state.content = { kind: 'missing', detail: 'the answer has status 503' };
  await begin();
  await after(30);
  assert.deepEqual(await after(60), { [part.place.id]: 'missing' });
  await watchdog.assertServing();
  assert.ok(told.some((line) => line.includes(part.place.id) && line.includes('503')));
  assert.deepEqual([...database.rows.keys()], [own.place.id, shop.place.id]);
  assert.deepEqual(
    (await watchdog.seen()).map(({ place }) => place),
    [own.place.id, shop.place.id],
  );
  assert.equal(self.state.doubts, 0);
});

test('a part that is not well is told of until it is, whichever part has its turn; one that is well is forgotten', async (t) => {
  const { begin, after, own, places, database, watchdog } = setUp(t);
  const parts = [0, 1, 2, 3].map((index) => placeWith(`url:http://ca.example/crl/ca/shards/4/${index}.crl`));
  const [, faulty = own] = parts;
  const turns = createPartTurns({
    ...{ count: 4, first: 0, idOf: (index) => parts[index]?.place.id ?? '' },
    placeOf: (index) => parts[index]?.place ?? own.place,
  });
  places.everywhere = () => [own.place, ...turns.next(new Set())];
  faulty.state.content = { kind: 'broken', detail: 'the part of others' };
  const addresses = () => [...database.rows.keys()].filter((id) => id.startsWith('url:'));
  await begin();
  await after(30);
  for (let time = 0; time < 9; time += 1) {
    assert.deepEqual(await after(60), { [faulty.place.id]: 'broken' });
    assert.equal(database.rows.get(faulty.place.id)?.finding, 'broken');
    assert.ok(addresses().length <= 2, 'those that are well are no places any more');
  }
  assert.ok(parts.every(({ state }) => state.looks >= 2));
  assert.ok([...watchdog.figures.crls()].every(({ place }) => place !== faulty.place.id));
  faulty.state.content = crl(1n);
  assert.deepEqual(await after(60), {});
  const read = new Set<string | undefined>();
  for (const _ of parts) {
    await after(60);
    assert.equal(addresses().length, 1);
    read.add(addresses()[0]);
  }
  assert.equal(read.size, parts.length);
});

test('that no round is complete shows in its age', async (t) => {
  const { begin, after, watchdog, clock, places } = setUp(t);
  await begin();
  await after(10);
  assert.equal(watchdog.figures.roundAt, clock.now());
  const looks = places.unlistedLooks;
  await after(0);
  assert.equal(places.unlistedLooks, looks + 1, 'each round looks at the revocations, too');
  await watchdog.close();
  await after(1_000);
  assert.equal(clock.now() - watchdog.figures.roundAt, 1_000_000);
});

test('a place that never answers keeps no term and no process from ending', async (t) => {
  const { begin, shop, watchdog, endTerm } = setUp(t);
  await begin();
  shop.state.hangs = true;
  const round = watchdog.look();
  await endTerm();
  await round;
  assert.equal(watchdog.figures.places, 2);
});

test('of what two replicas saw of a place the later look is told', async (t) => {
  const { begin, own, database, clock, watchdog } = setUp(t);
  await begin(false);
  const later = new Date(clock.now() + 1_000);
  database.rows.set(own.place.id, { place: own.place.id, finding: 'broken', detail: 'x', at: later });
  assert.deepEqual(
    (await watchdog.seen()).map(({ finding }) => finding),
    ['broken'],
  );
  clock.advance(2);
  await watchdog.look();
  assert.deepEqual(
    (await watchdog.seen()).map(({ finding }) => finding),
    ['current'],
  );
});
