import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, it, type TestContext } from 'node:test';
import { faultOf } from '../support/faults.ts';
import { createServerCertificate, type ServerCertificate } from '../support/kubernetes/certificates.ts';
import { contract } from '../support/kubernetes/contract.ts';

contract('ClusterTrustBundles', (ground) => {
  let pem: ServerCertificate;
  const made: string[] = [];
  before(async () => {
    pem = await createServerCertificate();
  });

  /** A name of its own: bundles lie in no namespace. The bundle is gone at the end of the test. */
  function nameFor(t: TestContext, prefix = ''): string {
    const name = `${prefix}internal-ca-test-${randomBytes(4).toString('hex')}`;
    made.push(name);
    t.after(() => ground.cluster.admin.deleteClusterTrustBundle(name));
    return name;
  }

  async function absent(t: TestContext): Promise<boolean> {
    if (await ground.cluster.admin.clusterTrustBundlesServed()) return false;
    t.skip('this cluster has no ClusterTrustBundles');
    return true;
  }

  it('are applied, read and deleted', async (t) => {
    if (await absent(t)) return;
    const { admin } = ground.cluster;
    const name = nameFor(t);
    assert.equal(await admin.getClusterTrustBundle(name), undefined);
    assert.equal(await admin.deleteClusterTrustBundle(name), false);
    const bundle = { metadata: { name, labels: { a: 'b' } }, spec: { trustBundle: pem.caPem } };
    const first = await admin.applyClusterTrustBundle(bundle);
    const again = await admin.applyClusterTrustBundle(bundle);
    assert.equal(again?.metadata.resourceVersion, first?.metadata.resourceVersion);
    const read = await admin.getClusterTrustBundle(name);
    assert.equal(read?.spec?.trustBundle, pem.caPem);
    assert.deepEqual(read?.metadata.labels, { a: 'b' });
    const uid = '00000000-0000-0000-0000-000000000000';
    assert.equal((await faultOf(admin.deleteClusterTrustBundle(name, { uid }))).code, 'conflict');
    assert.equal(await admin.deleteClusterTrustBundle(name), true);
  });

  it('hold certificates of CAs, each once, and are named after their signer', async (t) => {
    if (await absent(t)) return;
    const { admin } = ground.cluster;
    const signed = { signerName: 'internal-ca.io/ca', trustBundle: pem.caPem };
    const refused = [
      [{ trustBundle: '' }, 'x', /at least one trust anchor must be provided/],
      [{ trustBundle: pem.certificatePem }, 'x', /does not have the CA bit set/],
      [{ trustBundle: `${pem.caPem}\n${pem.caPem}` }, 'x', /duplicate trust anchor/],
      [{ trustBundle: pem.caPem }, 'a:b', /without signer name must not have ":" in its name/],
      [signed, 'x', /must be named with prefix internal-ca\.io:ca:/],
    ] as const;
    for (const [spec, name, words] of refused) {
      const fault = await faultOf(admin.applyClusterTrustBundle({ metadata: { name }, spec }));
      assert.equal(fault.code, 'request-invalid');
      assert.match(fault.message, words);
    }
    const name = nameFor(t, 'internal-ca.io:ca:');
    const applied = await admin.applyClusterTrustBundle({ metadata: { name }, spec: signed });
    assert.equal(applied?.spec?.signerName, 'internal-ca.io/ca');
  });

  it('need the right to attest for their signer', async (t) => {
    if (await absent(t)) return;
    const certificates = { apiGroups: ['certificates.k8s.io'] };
    const bundles = { ...certificates, resources: ['clustertrustbundles'], verbs: ['create', 'patch'] };
    const name = nameFor(t, 'internal-ca.io:ca:');
    const bundle = {
      metadata: { name },
      spec: { signerName: 'internal-ca.io/ca', trustBundle: pem.caPem },
    };
    const writer = await ground.cluster.connectAs([bundles]);
    const fault = await faultOf(writer.applyClusterTrustBundle(bundle));
    assert.equal(fault.code, 'kubernetes-forbidden');
    assert.match(fault.message, /not permitted to attest for signerName "internal-ca\.io\/ca"/);
    const attest = { ...certificates, resources: ['signers'], verbs: ['attest'] };
    for (const resourceNames of [['internal-ca.io/ca'], ['internal-ca.io/*']]) {
      const signer = await ground.cluster.connectAs([bundles, { ...attest, resourceNames }]);
      const { caPem } = await createServerCertificate();
      const spec = { ...bundle.spec, trustBundle: caPem };
      assert.ok(await signer.applyClusterTrustBundle({ ...bundle, spec }));
    }
  });
});
