import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setAt } from '../support/kubernetes/json.ts';
import { createMaterialSource } from '../support/trust-material.ts';
import { aWhile, name, setUp, until } from './harness.ts';

const source = await createMaterialSource();
const rebuilt = await createMaterialSource('CN=rebuilt');
const own = 'secret:internal-ca/internal-ca';
const shop = 'secret:shop/internal-ca';

describe('a leader of before', { timeout: 30_000 }, () => {
  it('stops with its term: what was edited afterwards is left to the next one', async (t) => {
    const { edit, text, server, start } = await setUp(t);
    const before = await start();
    const term = await before.lead();
    await before.publisher.publish(source.at(1n));
    await term.end();
    // A watch that was just being opened may still arrive.
    const touching = () => server.calls.filter(({ verb }) => verb === 'get' || verb === 'patch').length;
    const calls = touching();
    edit('internal-ca', ['data', 'ca.crl'], '');
    await before.publisher.publish(source.at(2n));
    await aWhile();
    assert.equal(touching(), calls);
    assert.doesNotMatch(await before.metrics(), /publication_age_seconds\{/, 'its age is no alarm of ours');
    const after = await start();
    await after.publisher.publish(source.at(2n));
    await after.lead();
    await until(t, () => text('internal-ca', 'ca.crl') === source.at(2n).caCrl);
  });

  it('writes nothing any more, though it has not noticed that its term is over', async (t) => {
    const { text, annotation, start } = await setUp(t);
    const stale = await start();
    await stale.lead();
    await stale.publisher.publish(source.at(1n));
    const next = await start();
    const { epoch } = await next.lead();
    await next.publisher.publish(source.at(2n));
    // Another set of CAs, since a CRL that is older would not be written anyway.
    await stale.publisher.publish(rebuilt.at(3n));
    await aWhile();
    assert.equal(text('internal-ca', 'ca.crt'), source.at(2n).caCrt);
    assert.equal(annotation('internal-ca', 'internal-ca.io/epoch'), epoch.toString());
    assert.equal((await stale.state(own))?.error, undefined, 'nothing is wrong with the copy');
  });

  it('writes nothing either when the signal came while it was reading', async (t) => {
    const { server, text, start } = await setUp(t);
    const { publisher, lead } = await start();
    const term = await lead();
    await publisher.publish(source.at(1n));
    server.interfere(({ verb }) => {
      if (verb === 'get') term.abort();
      return undefined;
    });
    await publisher.publish(source.at(2n));
    await aWhile();
    assert.equal(text('internal-ca', 'ca.crl'), source.at(1n).caCrl);
  });

  it('removes nothing either when the signal came while it looked who needs the copy', async (t) => {
    const { server, wanted, read, start } = await setUp(t);
    const { publisher, lead } = await start();
    wanted.push('shop');
    const term = await lead();
    await publisher.publish(source.at(1n));
    const looked = Promise.withResolvers<void>();
    server.interfere(({ verb, type }) => {
      if (verb !== 'list' || type.plural !== 'ingresses') return undefined;
      term.abort();
      looked.resolve();
      return undefined;
    });
    wanted.length = 0;
    await looked.promise;
    await aWhile();
    assert.ok(read('shop'));
  });

  it('loses to whoever wrote between its reading and its writing', async (t) => {
    const { server, read, text, annotation, database, start } = await setUp(t);
    const stale = await start();
    await stale.lead();
    await stale.publisher.publish(source.at(1n));
    const material = source.at(5n);
    let met = false;
    server.interfere(({ verb }) => {
      if (verb !== 'patch' || met) return undefined;
      met = true;
      // What another one writes who has come to lead while this process stood still.
      database.epoch = 1000n;
      const copy = read('internal-ca') ?? {};
      for (const [key, value] of Object.entries({ 'ca.crt': material.caCrt, 'ca.crl': material.caCrl }))
        setAt(copy, ['data', key], Buffer.from(value).toString('base64'));
      setAt(copy, ['metadata', 'annotations', 'internal-ca.io/epoch'], '1000');
      server.put(copy, name);
      return undefined;
    });
    await stale.publisher.publish(rebuilt.at(2n));
    await aWhile();
    assert.ok(met);
    assert.equal(text('internal-ca', 'ca.crl'), material.caCrl);
    assert.equal(annotation('internal-ca', 'internal-ca.io/epoch'), '1000');
  });

  it('cannot slip in where the copy was not there yet', async (t) => {
    const { server, text, start } = await setUp(t);
    const slow = await start();
    const quick = await start();
    let first = true;
    server.interfere(({ verb }) => {
      if (verb !== 'patch' || !first) return undefined;
      first = false;
      return { delayMs: 300 };
    });
    await slow.lead();
    const late = slow.publisher.publish(source.at(1n));
    await until(t, () => !first);
    await quick.publisher.publish(source.at(2n));
    await quick.publisher.ensureNamespace('internal-ca');
    assert.equal(text('internal-ca', 'ca.crl'), source.at(2n).caCrl);
    await late;
    assert.equal(text('internal-ca', 'ca.crl'), source.at(2n).caCrl);
  });

  it('an epoch that the database does not know is not obeyed: it was edited, or is of another database', async (t) => {
    const { edit, text, annotation, start } = await setUp(t);
    const { publisher, lead } = await start();
    const { epoch } = await lead();
    await publisher.publish(source.at(1n));
    edit('internal-ca', ['metadata', 'annotations', 'internal-ca.io/epoch'], '99999999999999');
    await publisher.publish(source.at(2n));
    await until(t, () => text('internal-ca', 'ca.crl') === source.at(2n).caCrl);
    assert.equal(annotation('internal-ca', 'internal-ca.io/epoch'), epoch.toString());
  });

  it('a database that is away does not stop a repair, unless the copy tells of a later term', async (t) => {
    const { database, edit, text, start } = await setUp(t);
    const { publisher, lead } = await start();
    await lead(7n);
    await publisher.publish(source.at(1n));
    database.away = true;
    edit('internal-ca', ['data', 'ca.crl'], '');
    await until(t, () => text('internal-ca', 'ca.crl') === source.at(1n).caCrl);
    edit('internal-ca', ['metadata', 'annotations', 'internal-ca.io/epoch'], '8');
    edit('internal-ca', ['data', 'ca.crl'], '');
    await aWhile();
    assert.equal(text('internal-ca', 'ca.crl'), '');
    database.away = false;
    await until(t, () => text('internal-ca', 'ca.crl') === source.at(1n).caCrl);
  });
});

describe('a replica that does not lead', { timeout: 30_000 }, () => {
  it('writes the copy of a namespace that is being enforced, in the name of who leads', async (t) => {
    const { server, wanted, text, annotation, start } = await setUp(t);
    const leader = await start();
    const { epoch } = await leader.lead();
    await leader.publisher.publish(source.at(4n));
    const follower = await start();
    await assert.rejects(follower.publisher.ensureNamespace('shop'), { code: 'key-unavailable' });
    await follower.publisher.publish(source.at(4n));
    wanted.push('shop');
    const copy = await follower.publisher.ensureNamespace('shop');
    assert.deepEqual([copy.state, copy.crlNumber, copy.why], ['Current', '4', ['enforced']]);
    assert.equal(text('shop', 'ca.crl'), source.at(4n).caCrl);
    assert.equal(annotation('shop', 'internal-ca.io/epoch'), epoch.toString());
    // At once, before the leader has looked.
    assert.equal((await follower.state(shop))?.crlNumber, '4');
    await until(t, async () => (await leader.state(shop))?.state === 'Current');
    await leader.publisher.publish(source.at(5n));
    assert.equal(text('shop', 'ca.crl'), source.at(5n).caCrl);
    await assert.rejects(follower.publisher.ensureNamespace('no-such'), { code: 'namespace-not-found' });
    assert.equal(await follower.state('secret:no-such/internal-ca'), undefined);
    await server.stop();
    await assert.rejects(follower.publisher.ensureNamespace('blog'), { code: 'kubernetes-unavailable' });
  });

  it('does not take a newer CRL back when it has not heard of it yet', async (t) => {
    const { wanted, text, start } = await setUp(t);
    const leader = await start();
    wanted.push('shop');
    await leader.lead();
    await leader.publisher.publish(source.at(9n));
    const follower = await start();
    await follower.publisher.publish(source.at(8n));
    const copy = await follower.publisher.ensureNamespace('shop');
    assert.equal(copy.crlNumber, '9');
    assert.equal(text('shop', 'ca.crl'), source.at(9n).caCrl);
  });

  it('writes at the same time as the leader, and the newer CRL stands in the end', async (t) => {
    const { wanted, text, start } = await setUp(t);
    const leader = await start();
    const follower = await start();
    wanted.push('shop');
    await leader.lead();
    for (let round = 1n; round < 20n; round += 2n) {
      await follower.publisher.publish(source.at(round));
      await Promise.all([
        leader.publisher.publish(source.at(round + 1n)),
        follower.publisher.ensureNamespace('shop'),
      ]);
      assert.equal(text('shop', 'ca.crl'), source.at(round + 1n).caCrl);
    }
  });

  it('tells of every copy what the leader knows, and of failures too', async (t) => {
    const { wanted, database, rows, server, start } = await setUp(t);
    const leader = await start({ cluster: { namespaces: ['extra', 'gone'] } });
    const follower = await start({ cluster: { namespaces: ['extra', 'gone'] } });
    wanted.push('shop');
    server.interfere(({ namespace }) => (namespace === 'shop' ? { status: 403 } : undefined));
    await leader.lead();
    await leader.publisher.publish(source.at(3n));
    await until(t, () => rows.size === 4);
    const told = await follower.publisher.status();
    assert.deepEqual(
      told.map(({ target, state }) => [target, state]),
      [
        ['secret:extra/internal-ca', 'Current'],
        ['secret:gone/internal-ca', 'Waiting'],
        ['secret:internal-ca/internal-ca', 'Current'],
        ['secret:shop/internal-ca', 'Failed'],
      ],
    );
    assert.deepEqual(await leader.publisher.status(), told);
    database.away = true;
    assert.deepEqual(await leader.publisher.status(), told, 'who leads knows it without the database');
    await assert.rejects(follower.publisher.status(), { code: 'database-unavailable' });
  });

  it('forgets what an earlier leader told of copies that nobody wants any more', async (t) => {
    const { rows, start } = await setUp(t);
    const before = await start({ cluster: { namespaces: ['shop', 'no-such'] } });
    const term = await before.lead();
    await before.publisher.publish(source.at(1n));
    await until(t, () => rows.size === 3);
    await term.end();
    const after = await start({ cluster: { namespaces: ['shop'] } });
    await after.lead();
    await until(t, () => rows.size === 2);
    assert.deepEqual([...rows.keys()].sort(), [own, shop]);
  });

  it('says when a copy was written, also after the leader has changed', async (t) => {
    const { rows, edit, start } = await setUp(t);
    const before = await start();
    const term = await before.lead();
    await before.publisher.publish(source.at(1n));
    await term.end();
    edit('internal-ca', ['metadata', 'annotations', 'internal-ca.io/written-at'], '2026-10-01T00:00:00.000Z');
    const after = await start();
    await after.publisher.publish(source.at(1n));
    await after.lead();
    await until(t, () => rows.get(own)?.writtenAt?.getTime() === Date.UTC(2026, 9, 1));
  });
});
