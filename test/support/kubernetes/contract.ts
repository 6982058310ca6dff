import { readFileSync } from 'node:fs';
import { after, before, describe } from 'node:test';
import { type Cluster, openRealCluster, startStandInCluster } from './cluster.ts';

/** The cluster of a contract's tests, and a namespace of its own. */
export interface Ground {
  readonly cluster: Cluster;
  readonly namespace: string;
  /** The stand-in has switches that a real cluster has not. */
  readonly real: boolean;
}

/**
 * What we rely on, of any Kubernetes API. `body` registers its tests against our stand-in always, and with
 * `TEST_KUBECONFIG` (an administrator's) against a real cluster too: what holds for both keeps the stand-in honest.
 */
export function contract(title: string, body: (ground: Ground) => void): void {
  const kubeconfig = process.env.TEST_KUBECONFIG;
  registerOn(`${title}: the stand-in`, false, startStandInCluster, body);
  if (kubeconfig === undefined || kubeconfig === '') return;
  const open = () => openRealCluster(readFileSync(kubeconfig, 'utf8'));
  registerOn(`${title}: the cluster of TEST_KUBECONFIG`, true, open, body);
}

function registerOn(
  title: string,
  real: boolean,
  open: () => Promise<Cluster>,
  body: (ground: Ground) => void,
): void {
  describe(title, { timeout: 300_000 }, () => {
    const opened: { cluster?: Cluster; namespace?: string } = {};
    const ground: Ground = {
      real,
      get cluster() {
        return present(opened.cluster);
      },
      get namespace() {
        return present(opened.namespace);
      },
    };
    before(async () => {
      opened.cluster = await open();
      opened.namespace = await opened.cluster.createNamespace();
    });
    after(() => opened.cluster?.stop());
    body(ground);
  });
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the ground of a contract is there only while its tests run');
  return value;
}
