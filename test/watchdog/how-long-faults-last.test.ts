import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Content } from '../../src/watchdog/content.ts';
import { crl, minutes, setUp, shopId } from './one-watchdog.ts';
import { hour, start } from './published.ts';

/** How long a fault is told of: not later, not longer and not by fits and starts. */

test('what is behind stays so when it lapses soon, too, and is lapsed in the end', async (t) => {
  const { begin, after, shop, own, self, database, watchdog, turns } = setUp(t);
  await begin();
  database.latest = 2n;
  for (const { state } of [own, self]) state.content = crl(2n, start, 100);
  await after(1);
  assert.deepEqual(await after(60), { [shopId]: 'behind' });
  // A quarter of the overlap is left: no time for a milder word, which would end a critical alert.
  await after(8.75 * 3_600);
  assert.deepEqual(await after(60), { [shopId]: 'behind' });
  assert.deepEqual(turns, [`${shopId} behind`]);
  shop.state.content = new Error('no connection');
  assert.deepEqual(await after(60), { [shopId]: 'lapsing' }, 'as far as is known');
  const [, seen] = await watchdog.seen();
  assert.match(seen?.detail ?? '', /lapses at .*, as far as is known: no connection/);
  shop.state.content = crl(1n);
  assert.deepEqual(await after(1), { [shopId]: 'behind' });
  assert.deepEqual(await after(1.25 * 3_600), { [shopId]: 'lapsed' });
});

test('what is broken whenever it can be read is told of, however seldom that is', async (t) => {
  const { begin, after, shop } = setUp(t);
  await begin();
  const broken: Content = { kind: 'broken', detail: 'x' };
  shop.state.content = broken;
  assert.deepEqual(await after(10), {});
  shop.state.content = new Error('no answer within 60 s');
  assert.deepEqual(await after(40), {});
  shop.state.content = broken;
  assert.deepEqual(await after(40), { [shopId]: 'broken' });
  shop.state.content = crl(1n);
  assert.deepEqual(await after(1), {});
  shop.state.content = broken;
  assert.deepEqual(await after(59), {}, 'another time');
  shop.state.content = crl(1n);
  await after(1);
  shop.state.content = new Error('no answer within 60 s');
  await after(300);
  shop.state.content = broken;
  assert.deepEqual(await after(60), {}, 'that it could not be read was no fault of what is there');
});

test('who leads anew goes on with what was told before, and takes nothing back that is not well', async (t) => {
  const first = setUp(t);
  const { clock, database } = first;
  await first.begin();
  database.latest = 2n;
  database.createdAt = new Date(clock.now());
  for (const { state } of [first.own, first.self]) state.content = crl(2n);
  await first.after(1);
  assert.deepEqual(await first.after(60), { [shopId]: 'behind' });
  const ills: readonly (readonly [string, Content | Error])[] = [
    ['behind', crl(1n)],
    ['broken', { kind: 'broken', detail: 'x' }],
    ['unread', new Error('connect ECONNREFUSED')],
  ];
  for (const [finding, content] of ills) {
    first.shop.state.content = content;
    await first.after(60);
    assert.deepEqual(await first.after(600), { [shopId]: finding });
    const next = setUp(t, first);
    for (const { state } of [next.own, next.self]) state.content = crl(2n);
    next.shop.state.content = content;
    await next.begin();
    assert.deepEqual(await next.after(1), { [shopId]: finding });
    assert.equal(database.rows.get(shopId)?.finding, finding);
    assert.deepEqual(next.turns, [], 'it was told of');
    next.shop.state.content = crl(2n);
    assert.deepEqual(await next.after(1), {});
    assert.deepEqual(next.turns, [`${shopId} current`]);
  }
});

test('what was never read is not said to be current', async (t) => {
  const { begin, after, shop, own, watchdog, database } = setUp(t);
  shop.state.content = new Error('connect ECONNREFUSED');
  await begin();
  const places = async () => (await watchdog.seen()).map(({ place, finding }) => `${place} ${finding}`);
  assert.deepEqual(await places(), [`${own.place.id} current`]);
  assert.deepEqual([...database.rows.keys()], [own.place.id]);
  assert.equal(watchdog.figures.places, 3);
  await after(600);
  assert.deepEqual(await places(), [`${own.place.id} current`, `${shopId} unread`]);
});

test('what is no place any more is not looked at again, however doubtful it was', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { begin, after, shop, own, places, clock, watchdog, turns } = setUp(t);
  await begin();
  shop.state.content = { kind: 'missing', detail: 'there is no Secret' };
  assert.deepEqual(await after(10), {});
  // Undone, and its namespace deleted.
  places.everywhere = () => [own.place];
  await after(10);
  const { looks } = shop.state;
  await minutes(t, clock, 4);
  assert.equal(shop.state.looks, looks);
  assert.deepEqual([[...watchdog.figures.faults()], turns], [[], []]);
});

test('what is doubtful is looked at again after a minute, by what is wished then', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { begin, after, shop, places, clock, watchdog, turns } = setUp(t);
  await begin();
  const missing: Content = { kind: 'missing', detail: 'there is no Secret' };
  shop.state.content = missing;
  await after(10);
  const { looks } = shop.state;
  // Whoever should write it has found no namespace.
  places.onWishes = () => {
    shop.state.content = { kind: 'gone' };
  };
  await minutes(t, clock, 3);
  assert.equal(shop.state.looks, looks + 1);
  assert.deepEqual([[...watchdog.figures.faults()], turns], [[], []]);
  places.onWishes = () => undefined;
  shop.state.content = missing;
  await after(10);
  await minutes(t, clock, 2);
  assert.deepEqual(turns, [`${shopId} missing`], 'without another round');
});

test('to the second: lapsed at nextUpdate, and gone as soon as nobody wants it', async (t) => {
  const { begin, after, shop, clock } = setUp(t);
  await begin();
  clock.set(start + 10 * hour - 61_000);
  assert.equal((await after(0))[shopId], undefined);
  assert.equal((await after(60))[shopId], 'lapsing');
  assert.equal((await after(1))[shopId], 'lapsed');
  shop.state.content = { kind: 'gone' };
  assert.equal((await after(1))[shopId], undefined);
});

test('a clock that is set back makes a broken copy wait no longer than the grace', async (t) => {
  const { begin, after, shop, clock } = setUp(t);
  clock.advance(5 * 3_600);
  await begin();
  shop.state.content = { kind: 'broken', detail: 'x' };
  await after(1);
  clock.set(start + hour);
  assert.deepEqual(await after(0), {});
  assert.deepEqual(await after(60), { [shopId]: 'broken' });
});

test('a clock that is set back makes nothing wait for ever', async (t) => {
  const { begin, after, database, self, own, clock } = setUp(t);
  clock.advance(5 * 3_600);
  await begin();
  database.latest = 2n;
  for (const { state } of [own, self]) state.content = crl(2n);
  await after(1);
  clock.set(start + hour);
  assert.deepEqual(await after(0), {});
  assert.deepEqual(await after(61), { [shopId]: 'behind' });
});
