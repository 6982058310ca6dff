import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveKubernetesMode } from '../../src/config/config.ts';

const inPod = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };

test('auto is in-cluster where a service account is mounted', () => {
  const asked: string[] = [];
  const mode = resolveKubernetesMode({ mode: 'auto' }, inPod, (path) => asked.push(path) > 0);
  assert.equal(mode, 'in-cluster');
  assert.deepEqual(asked, ['/var/run/secrets/kubernetes.io/serviceaccount/token']);
});

test('auto is off without a service account, and outside a pod', () => {
  assert.equal(
    resolveKubernetesMode({ mode: 'auto' }, inPod, () => false),
    'off',
  );
  assert.equal(
    resolveKubernetesMode({ mode: 'auto' }, { KUBECONFIG: '/home/me/.kube/config' }, () => true),
    'off',
  );
});

test('what is said is done', () => {
  for (const mode of ['in-cluster', 'kubeconfig', 'off'] as const) {
    assert.equal(
      resolveKubernetesMode({ mode }, inPod, () => true),
      mode,
    );
  }
});
