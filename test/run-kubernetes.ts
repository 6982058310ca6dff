import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openRealCluster } from './support/kubernetes/cluster.ts';
import { objectAt, stringAt } from './support/kubernetes/json.ts';

/**
 * `npm run test:kubernetes` runs what can run on any cluster against the one of `TEST_KUBECONFIG`: the contract tests,
 * which hold the stand-in to what a real API server does, and the system tests that are written for both. Arguments
 * are handed on to `test/run.ts`. The kubeconfig is an administrator's; everything made there has a random name and is
 * deleted at the end.
 */

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const path = process.env.TEST_KUBECONFIG;
if (path === undefined || path === '') {
  fail('TEST_KUBECONFIG is not set: name the kubeconfig of a cluster to test on');
}

process.stdout.write(`Kubernetes ${await versionOf(path)}\n`);
const { status } = spawnSync(
  process.execPath,
  [join(root, 'test/run.ts'), ...testFiles(), ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;

async function versionOf(kubeconfig: string): Promise<string> {
  try {
    const cluster = await openRealCluster(readFileSync(kubeconfig, 'utf8'));
    const version = await cluster.request({ method: 'GET', path: '/version' });
    await cluster.stop();
    return `${stringAt(objectAt(version), 'gitVersion')} at ${cluster.admin.server}`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(`TEST_KUBECONFIG leads to no cluster: ${reason}`);
  }
}

/** The tests that take the cluster of TEST_KUBECONFIG, by themselves or through one of these. */
function testFiles(): string[] {
  const marks = /TEST_KUBECONFIG|kubernetes\/contract\.ts|\bstartTestCluster\b/;
  return globSync(join(root, 'test/**/*.test.ts'))
    .filter((file) => marks.test(readFileSync(file, 'utf8')))
    .sort();
}

function fail(reason: string): never {
  process.stderr.write(`test:kubernetes: ${reason}\n`);
  process.exit(2);
}
