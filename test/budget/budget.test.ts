import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Budget } from '../../src/budget/budget.ts';
import { createBudgetEvents } from '../../src/budget/budget-events.ts';
import { createBudget } from '../../src/budget/create-budget.ts';
import { createDoors, type EnforcedDoor } from '../../src/budget/doors.ts';
import type { OverBudgetPolicy } from '../../src/budget/next-stage.ts';
import { Fault } from '../../src/fault.ts';
import type { Term } from '../../src/leadership/leadership.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createCrlBudgetStore } from '../../src/store/crl-budget.ts';
import type { Database } from '../../src/store/database.ts';
import { aWhile, type Harness, setUp as setUpPublication, until } from '../publication/harness.ts';
import { createTestDatabase } from '../support/database.ts';
import { objectAt } from '../support/kubernetes/json.ts';
import { createMaterialSource } from '../support/trust-material.ts';

const source = await createMaterialSource();
/** So that sizes are easy to see; the certificate takes about half a kilobyte. */
const limitBytes = 10_000;
const reference = 'nginx.ingress.kubernetes.io/auth-tls-secret';

const sizes = {
  small: { crlBytes: 4_000 },
  /** 95 % in full, 70 % without reasons. */
  compact: { crlBytes: 8_700, compactBytes: 6_300 },
  /** 94 % without reasons. */
  large: { crlBytes: 13_000, compactBytes: 8_600 },
  /** Fits in no form into any Secret, and no compact one is made. */
  huge: { crlBytes: 1_200_000 },
};

interface World extends Harness {
  readonly db: Database;
  readonly doors: EnforcedDoor[];
  readonly proven: Set<string>;
  enforce(namespace: string, name: string): void;
  /** What happens, once, after somebody has looked at the Ingresses and before he acts on it. */
  meanwhile: (() => Promise<unknown>) | undefined;
  /** One more replica. */
  replica(o?: { policy?: OverBudgetPolicy; settleMs?: number }): Promise<Replica>;
}

interface Replica {
  readonly budget: Budget;
  readonly events: string[];
  readonly warnings: string[];
  metrics(): Promise<string>;
  lead(): Promise<void>;
  rest(): Promise<void>;
  publish(number: bigint, size: keyof typeof sizes): Promise<void>;
  /** For an Ingress `web`. */
  ensure(namespace: string, asksOnline: boolean): Promise<unknown>;
}

async function setUp(t: TestContext): Promise<World> {
  const harness = await setUpPublication(t);
  const { db } = await createTestDatabase(t);
  const doors: EnforcedDoor[] = [];
  const proven = new Set<string>();
  async function replica({
    policy = 'online',
    settleMs = 50,
  }: {
    policy?: OverBudgetPolicy;
    settleMs?: number;
  } = {}) {
    const clock = { now: () => Date.UTC(2026, 10, 24) };
    const metrics = createMetrics({ clock, version: '1', processMetrics: false });
    const events: string[] = [];
    const warnings: string[] = [];
    const budget = createBudget({
      policy,
      limitBytes,
      store: createCrlBudgetStore(db),
      cluster: {
        doors: createDoors({
          api: { listIngresses: (namespace) => process.api.listIngresses(namespace) },
          secretName: 'internal-ca',
          enforced: async () => [...doors],
          async onlineProven(namespace, name) {
            const { meanwhile } = world;
            world.meanwhile = undefined;
            await meanwhile?.();
            return proven.has(`${namespace}/${name}`);
          },
        }),
        copies: async () => [...harness.rows.values()],
        events: createBudgetEvents({
          recorder: { record: ({ namespace }, { reason }) => void events.push(`${reason} ${namespace}`) },
          ownNamespace: 'internal-ca',
          secretName: 'internal-ca',
        }),
      },
      clock,
      metrics,
      log: {
        info: () => undefined,
        warn: (_facts: unknown, text?: string) => void warnings.push(text ?? ''),
      },
      times: { lookMs: 15, settleMs },
    });
    t.after(() => budget.close());
    const process = await harness.start({ forms: budget });
    let term: (Term & { end(): Promise<void> }) | undefined;
    return {
      budget,
      events,
      warnings,
      metrics: () => metrics.render(),
      async lead() {
        term = await process.lead();
        await budget.leaderWork.start(term);
      },
      async rest() {
        await term?.end();
        await budget.leaderWork.stop();
      },
      publish: (number: bigint, size: keyof typeof sizes) =>
        process.publisher.publish(source.at(number, sizes[size])),
      ensure: (namespace: string, asksOnline: boolean) =>
        process.publisher.ensureNamespace(namespace, { name: 'web', asksOnline }),
    };
  }

  const world: World = {
    ...harness,
    meanwhile: undefined,
    db,
    doors,
    proven,
    enforce(namespace, name) {
      harness.ingress(namespace, name, { [reference]: `${namespace}/internal-ca` });
      doors.push({ namespace, name, asksForCertificates: true });
      if (!harness.wanted.includes(namespace)) harness.wanted.push(namespace);
    },
    replica,
  };
  return world;
}

const keys = (world: World, namespace: string) =>
  Object.keys(objectAt(world.read(namespace), 'data'))
    .sort()
    .join(' ');

const stageOf = ({ budget }: Replica) => budget.secret()?.stage;

describe('a CRL that outgrows its Secrets', { timeout: 60_000 }, () => {
  it('stays where an Ingress comes to depend on it while the leader looks', async (t) => {
    const world = await setUp(t);
    world.enforce('shop', 'web');
    const leader = await world.replica();
    const other = await world.replica();
    await leader.lead();
    await leader.publish(1n, 'large');
    await other.publish(1n, 'large');
    await until(t, () => other.budget.movesOnline('internal-ca'));
    let looked = 0;
    const count = async () => {
      looked += 1;
      if (looked < 5) world.meanwhile = count;
    };
    world.meanwhile = async () => {
      world.proven.add('shop/web');
      await other.ensure('shop', false);
      world.enforce('shop', 'second');
      world.meanwhile = count;
    };
    await until(t, () => looked === 5);
    assert.deepEqual(
      leader.events.filter((event) => event.startsWith('CrlLeftOut')),
      [],
    );
    assert.equal(keys(world, 'shop'), 'ca.crl ca.crt');
  });

  it('goes from full to compact to online and all the way back', async (t) => {
    const world = await setUp(t);
    world.enforce('shop', 'web');
    const leader = await world.replica();
    const other = await world.replica();
    await leader.lead();
    await leader.publish(1n, 'small');
    await other.publish(1n, 'small');
    assert.equal(stageOf(leader), 'full');
    assert.equal(world.text('shop', 'ca.crl'), source.at(1n, sizes.small).caCrl);

    await leader.publish(2n, 'compact');
    assert.equal(stageOf(leader), 'compact');
    assert.equal(world.text('shop', 'ca.crl'), source.at(2n, sizes.compact).compactCrl, 'in one write');
    assert.equal(leader.budget.movesOnline('internal-ca'), false);

    await leader.publish(3n, 'large');
    assert.equal(stageOf(leader), 'online');
    assert.equal(leader.budget.movesOnline('internal-ca'), true);
    await until(t, () => other.budget.movesOnline('internal-ca'));
    assert.equal(
      world.text('shop', 'ca.crl'),
      source.at(3n, sizes.large).compactCrl,
      'nothing is proven yet',
    );
    await until(t, async () => /^internal_ca_secret_online_waiting 1$/m.test(await leader.metrics()));

    world.proven.add('shop/web');
    await until(t, () => keys(world, 'shop') === 'ca.crt');
    assert.equal(keys(world, 'internal-ca'), 'ca.crl ca.crt', 'who reads our own copy is not known');
    await until(t, () => other.budget.of('shop') === 'none');
    await until(t, async () => /^internal_ca_secret_without_crl 1$/m.test(await other.metrics()));

    await leader.publish(4n, 'compact');
    await leader.publish(5n, 'small');
    assert.notEqual(stageOf(leader), 'online');
    await until(t, () => stageOf(leader) === 'full');
    assert.equal(world.text('shop', 'ca.crl'), source.at(5n, sizes.small).caCrl);
    await until(t, () => !other.budget.movesOnline('internal-ca'));
    assert.deepEqual(leader.events, [
      'CrlBudget internal-ca',
      'CrlBudget internal-ca',
      'SecretNearlyFull internal-ca',
      'CrlLeftOut shop',
      'CrlBudget internal-ca',
      'CrlBudget internal-ca',
    ]);
    assert.deepEqual(other.events, [], 'told by one replica');
  });

  it('leaves Ingresses online until a controller has had the time to read what is back', async (t) => {
    const world = await setUp(t);
    world.enforce('shop', 'web');
    world.proven.add('shop/web');
    const leader = await world.replica({ settleMs: 300 });
    await leader.lead();
    await leader.publish(1n, 'large');
    await until(t, () => world.rows.get('secret:shop/internal-ca')?.crlForm === 'none');
    await leader.publish(2n, 'small');
    assert.equal(stageOf(leader), 'returning');
    let readable: number | undefined;
    await until(t, () => {
      if (keys(world, 'shop') === 'ca.crl ca.crt') readable ??= performance.now();
      return !leader.budget.movesOnline('internal-ca');
    });
    assert.ok(readable !== undefined && performance.now() - readable > 200);
  });

  it('does not come back while one copy is still without its CRL', async (t) => {
    const world = await setUp(t);
    world.enforce('shop', 'web');
    world.proven.add('shop/web');
    const leader = await world.replica();
    await leader.lead();
    await leader.publish(1n, 'large');
    await until(t, () => world.rows.get('secret:shop/internal-ca')?.crlForm === 'none');
    // Somebody takes the Secret over: it cannot be written any more.
    world.edit('shop', ['metadata', 'annotations', 'internal-ca.io/owner'], 'somebody/else');
    await leader.publish(2n, 'small');
    await aWhile();
    assert.equal(leader.budget.movesOnline('internal-ca'), true);
    world.edit('shop', ['metadata', 'annotations', 'internal-ca.io/owner'], 'internal-ca/internal-ca');
    await until(t, () => !leader.budget.movesOnline('internal-ca'));
    assert.equal(keys(world, 'shop'), 'ca.crl ca.crt');
  });

  it('stays where one of several Ingresses is not proven, ours or not, here or from elsewhere', async (t) => {
    const world = await setUp(t);
    for (const name of ['web', 'api']) world.enforce('shop', name);
    world.proven.add('shop/web');
    const leader = await world.replica();
    await leader.lead();
    await leader.publish(1n, 'large');
    const settled = async () => {
      await aWhile();
      assert.equal(keys(world, 'shop'), 'ca.crl ca.crt');
    };
    await settled();
    world.proven.add('shop/api');
    world.ingress('shop', 'by-hand', { [reference]: 'shop/internal-ca' });
    world.ingress('blog', 'from-elsewhere', { 'haproxy.org/client-ca': 'shop/internal-ca' });
    world.ingress('extra', 'of-another', { [reference]: 'extra/internal-ca' });
    await settled();
    world.server.remove('networking.k8s.io/v1', 'Ingress', 'shop', 'by-hand');
    await settled();
    world.server.remove('networking.k8s.io/v1', 'Ingress', 'blog', 'from-elsewhere');
    await until(t, () => keys(world, 'shop') === 'ca.crt');
    // And comes back with the next one that nobody has proven.
    world.ingress('shop', 'by-hand', { [reference]: 'shop/internal-ca' });
    await until(t, () => keys(world, 'shop') === 'ca.crl ca.crt');
    await until(t, () => leader.events.includes('CrlPutBack shop'));
  });

  it('keeps the last one that fitted where nothing is proven, and says so', async (t) => {
    const world = await setUp(t);
    world.enforce('shop', 'web');
    const leader = await world.replica();
    await leader.lead();
    await leader.publish(1n, 'small');
    await leader.publish(2n, 'huge');
    assert.equal(stageOf(leader), 'online');
    await until(t, () => world.rows.get('secret:shop/internal-ca')?.state === 'Failed');
    assert.equal(world.text('shop', 'ca.crl'), source.at(1n, sizes.small).caCrl);
    world.proven.add('shop/web');
    await until(t, () => keys(world, 'shop') === 'ca.crt');
    await until(t, () => world.rows.get('secret:shop/internal-ca')?.state === 'Current');
    assert.equal(world.rows.get('secret:internal-ca/internal-ca')?.state, 'Failed');
    // The proof is lost: there is no CRL that could come back.
    world.proven.clear();
    await until(t, () => leader.events.includes('RevocationUnproven shop'));
    await until(t, async () => /^internal_ca_secret_without_crl_unproven 1$/m.test(await leader.metrics()));
    assert.equal(keys(world, 'shop'), 'ca.crt');
    await leader.publish(3n, 'large');
    await until(t, () => world.text('shop', 'ca.crl') === source.at(3n, sizes.large).compactCrl);
    await until(t, async () => /^internal_ca_secret_without_crl_unproven 0$/m.test(await leader.metrics()));
  });

  it('a new namespace begins without a CRL that fits nowhere, only for an Ingress that asks', async (t) => {
    const world = await setUp(t);
    const [leader, other] = [await world.replica(), await world.replica()];
    await leader.lead();
    for (const each of [leader, other]) await each.publish(1n, 'huge');
    await until(t, () => other.budget.movesOnline('internal-ca'));
    world.ingress('blog', 'by-hand', { [reference]: 'blog/internal-ca' });
    await assert.rejects(other.ensure('shop', false), {
      code: 'conflict',
      message: /does not fit .* would depend on it/,
    });
    await assert.rejects(other.ensure('blog', true), {
      code: 'conflict',
      message: /a shortened CRL is never written/,
    });
    world.enforce('shop', 'web');
    await other.ensure('shop', true);
    assert.equal(keys(world, 'shop'), 'ca.crt');
    await aWhile();
    assert.equal(keys(world, 'shop'), 'ca.crt', 'the leader has not undone that');
    await assert.rejects(other.ensure('shop', false), Fault);
    // As soon as one fits, who depends on it gets it at once.
    for (const each of [leader, other]) await each.publish(2n, 'large');
    await other.ensure('shop', false);
    assert.equal(world.text('shop', 'ca.crl'), source.at(2n, sizes.large).compactCrl);
  });

  it('goes no further than the policy, and not back from where a CRL does not fit', async (t) => {
    const world = await setUp(t);
    world.enforce('shop', 'web');
    world.proven.add('shop/web');
    const alert = await world.replica({ policy: 'alert' });
    await alert.lead();
    await alert.publish(1n, 'compact');
    assert.equal(stageOf(alert), 'full');
    assert.deepEqual(alert.events, ['SecretNearlyFull internal-ca']);
    await alert.rest();
    const compact = await world.replica({ policy: 'compact' });
    await compact.lead();
    await compact.publish(2n, 'huge');
    assert.equal(stageOf(compact), 'compact');
    assert.equal(compact.budget.movesOnline('internal-ca'), false);
    await compact.rest();
    const online = await world.replica();
    await online.lead();
    await online.publish(3n, 'huge');
    await until(t, () => keys(world, 'shop') === 'ca.crt');
    await online.rest();
    const again = await world.replica({ policy: 'compact' });
    await again.lead();
    await again.publish(3n, 'huge');
    await aWhile();
    assert.equal(stageOf(again), 'online');
    assert.equal(keys(world, 'shop'), 'ca.crt');
  });

  it('a leader that was replaced decides nothing more', async (t) => {
    const world = await setUp(t);
    const [first, second] = [await world.replica(), await world.replica()];
    await first.lead();
    await first.publish(1n, 'small');
    await second.lead();
    await second.publish(1n, 'small');
    await first.publish(2n, 'compact');
    assert.equal(stageOf(first), 'full');
    assert.ok(!first.events.includes('CrlBudget internal-ca'));
    await second.publish(2n, 'compact');
    await until(t, () => stageOf(first) === 'compact');
  });

  it('warns once for each mark, and again after it was emptier', async (t) => {
    const world = await setUp(t);
    const leader = await world.replica({ policy: 'alert' });
    await leader.lead();
    const marks = () => leader.warnings.filter((text) => /nearly full/.test(text)).length;
    await leader.publish(1n, 'small');
    assert.equal(marks(), 0);
    await leader.publish(2n, 'compact');
    await leader.publish(3n, 'compact');
    await aWhile();
    assert.equal(marks(), 1);
    await leader.publish(4n, 'small');
    await leader.publish(5n, 'compact');
    assert.equal(marks(), 2);
  });

  it('goes on as was decided while the database is away', async (t) => {
    const world = await setUp(t);
    const leader = await world.replica();
    await leader.lead();
    await leader.publish(1n, 'compact');
    assert.equal(stageOf(leader), 'compact');
    await world.db.query({ text: 'alter table crl_budget rename to gone' });
    await leader.publish(2n, 'large');
    assert.equal(world.text('internal-ca', 'ca.crl'), source.at(2n, sizes.large).compactCrl);
    assert.equal(stageOf(leader), 'compact');
    await until(t, () => leader.warnings.some((text) => /budget is not looked after/.test(text)));
    await world.db.query({ text: 'alter table gone rename to crl_budget' });
    await until(t, () => stageOf(leader) === 'online');
  });
});
