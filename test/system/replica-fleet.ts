import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { decodePem } from '../../src/encoding/pem.ts';
import { decodeSecretData, type Secret } from '../../src/kubernetes/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Cluster, startTestCluster } from '../support/kubernetes/cluster.ts';
import { settingsFor } from '../support/kubernetes/for-service.ts';
import { temporaryDataDirectory } from '../support/postgres-server.ts';
import { newAdminToken, startTestService, type TestService } from '../support/service.ts';
import type { Ledger } from './ledger.ts';

/** One process of several on a database. */
export interface Replica {
  readonly name: string;
  readonly service: TestService;
  /** False while the test has it stopped, or starts it again: then it owes nobody an answer. */
  up: boolean;
  /** Rises whenever the test lays hands on it: a request that was under way meanwhile may have failed. */
  disturbances: number;
}

export interface Fleet {
  readonly replicas: readonly Replica[];
  readonly database: TestDatabase;
  /** The replica that says of itself that it leads; throws when none does, or two do. */
  leader(): Promise<Replica>;
  /** When another one than `former` began to lead, after that moment: milliseconds of the Unix time. */
  successor(former: Replica, after: number): Promise<{ readonly replica: Replica; readonly at: number }>;
}

/** Three processes, started at once on an empty database. Where no Secret keeps their key, they share a directory. */
export async function startFleet(t: TestContext, env: Readonly<Record<string, string>>): Promise<Fleet> {
  const database = await createTestDatabase(t);
  const keys = await temporaryDirectory(t);
  const options = {
    databaseUrl: database.url,
    env: { CRL_COALESCE: '0', ADMIN_TOKEN: newAdminToken(), ...env },
  };
  const services = await Promise.all(
    [1, 2, 3].map(async () => {
      const dataDirectory = await temporaryDataDirectory();
      await symlink(keys, join(dataDirectory, 'keys'));
      return await startTestService(t, { ...options, dataDirectory });
    }),
  );
  const replicas = services.map(
    (service, index): Replica => ({ name: `replica ${index + 1}`, service, up: true, disturbances: 0 }),
  );
  return {
    replicas,
    database,
    leader: () => eventually(() => findLeader(replicas)),
    successor: (former, after) =>
      eventually(() => {
        for (const replica of replicas) {
          const at = replica === former ? undefined : beganToLead(replica, after);
          if (at !== undefined) return { replica, at };
        }
        return assert.fail('nobody has taken over');
      }),
  };
}

async function findLeader(replicas: readonly Replica[]): Promise<Replica> {
  const leading: Replica[] = [];
  for (const replica of replicas.filter(({ up }) => up)) {
    const metrics = (await replica.service.call('GET', '/metrics')).body.toString();
    if (/^internal_ca_leader 1$/m.test(metrics)) leading.push(replica);
  }
  assert.equal(leading.length, 1, `leading: ${leading.map(({ name }) => name).join()}`);
  return leading[0] ?? assert.fail();
}

function beganToLead({ service }: Replica, after: number): number | undefined {
  for (const line of service.log) {
    if (typeof line !== 'object' || line === null || !('msg' in line) || line.msg !== 'leading') continue;
    const at = 'time' in line ? Date.parse(String(line.time)) : Number.NaN;
    if (at >= after) return at;
  }
  return undefined;
}

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-fleet-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The stand-in, or the cluster of TEST_KUBECONFIG, with a namespace for the replicas. */
export async function openFleetCluster(t: TestContext): Promise<{
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly env: Readonly<Record<string, string>>;
}> {
  const cluster = await startTestCluster();
  t.after(() => cluster.stop());
  const namespace = await cluster.createNamespace();
  const env = { ...(await settingsFor(t, cluster, namespace)), CA_KEY_STORE: 'secret' };
  return { cluster, namespace, env };
}

/** Everything that the published Secret ever was. Throws, in `assertRising`, where it went back. */
export interface SecretHistory {
  /** The newest CRL that was published. */
  newest(): bigint;
  assertRising(): void;
}

export function followSecret(
  t: TestContext,
  { cluster, namespace }: { cluster: Cluster; namespace: string },
  ledger: Ledger,
): SecretHistory {
  const seen: { number: bigint; epoch: bigint }[] = [];
  const faults: unknown[] = [];
  const look = (secret: Secret): void => {
    try {
      const crl = decodeSecretData(secret)['ca.crl'] ?? assert.fail('a Secret without a CRL');
      const number = ledger.noteCrl(derOf(crl));
      const epoch = BigInt(secret.metadata.annotations?.['internal-ca.io/epoch'] ?? '0');
      const last = seen.at(-1);
      if (last?.number !== number || last.epoch !== epoch) seen.push({ number, epoch });
    } catch (error) {
      faults.push(error);
    }
  };
  const watcher = cluster.admin.watch(
    'secrets',
    { namespace, name: 'internal-ca' },
    { onList: (items) => items.forEach(look), onEvent: (type, secret) => type !== 'DELETED' && look(secret) },
  );
  t.after(async () => watcher.close());
  return {
    newest: () => seen.at(-1)?.number ?? 0n,
    assertRising() {
      assert.deepEqual(faults, []);
      assert.ok(seen.length > 1, 'the Secret was watched');
      for (const [index, { number, epoch }] of seen.entries()) {
        const before = seen[index - 1];
        if (before === undefined) continue;
        assert.ok(number >= before.number, `CRL ${number} in the Secret after ${before.number}`);
        assert.ok(epoch >= before.epoch, `term ${epoch} in the Secret after ${before.epoch}`);
      }
    },
  };
}

function derOf(pem: Buffer): Buffer {
  const [block] = decodePem(pem.toString(), 'X509 CRL');
  return Buffer.from(block?.der ?? assert.fail('no CRL'));
}
