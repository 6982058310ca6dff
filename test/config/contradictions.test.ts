import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { refusalOf, temporaryFile } from './support.ts';

const cases: readonly (readonly [string, NodeJS.ProcessEnv, string])[] = [
  [
    'an overlap as long as the validity',
    { CRL_VALIDITY: 'P1D', CRL_OVERLAP: 'P1D' },
    'CRL_OVERLAP: P1D is not shorter than CRL_VALIDITY (P1D)',
  ],
  [
    'a back-dating that leaves nothing',
    { CRL_VALIDITY: 'PT1H', CRL_OVERLAP: 'PT50M', CRL_BACKDATE: 'PT10M' },
    'CRL_BACKDATE: PT10M and CRL_OVERLAP leave nothing of CRL_VALIDITY (PT1H)',
  ],
  [
    'coalescing beyond the overlap',
    { CRL_VALIDITY: 'PT2M', CRL_COALESCE: 'PT1M' },
    'CRL_COALESCE: PT1M is not shorter than CRL_OVERLAP (PT1M)',
  ],
  ['parts of a CRL that nobody can find', { CRL_SHARDS: '64' }, 'CRL_SHARDS: needs PUBLIC_URL'],
  [
    'a number of parts that is no power of two',
    { CRL_SHARDS: '12', PUBLIC_URL: 'http://ca.example' },
    'CRL_SHARDS: is neither 0 nor a power of two from 2 to 256',
  ],
  [
    'one part, which would be the whole',
    { CRL_SHARDS: '1', PUBLIC_URL: 'http://ca.example' },
    'CRL_SHARDS: is neither 0 nor a power of two from 2 to 256',
  ],
  [
    'an address to be watched that is none, which is not shown',
    { WATCHDOG_URLS: 'http://cdn.example/x.crl,htps//u:hunter2@mirror' },
    'WATCHDOG_URLS: number 2 is not an absolute http or https URL without fragment',
  ],
  [
    'one address twice but for what is not shown',
    { WATCHDOG_URLS: 'http://cdn.example/x.crl,http://u:hunter2@cdn.example/x.crl?t=hunter3' },
    'WATCHDOG_URLS: number 2 is there twice',
  ],
  ['a responder that nobody can find', { OCSP_AIA: 'on' }, 'OCSP_AIA: needs PUBLIC_URL'],
  [
    'OCSP answers that the certificate of their signer cannot cover',
    { OCSP_VALIDITY: 'PT31M', OCSP_RESPONDER_VALIDITY: 'PT1H' },
    'OCSP_VALIDITY: PT31M is longer than half of OCSP_RESPONDER_VALIDITY (PT1H)',
  ],
  [
    'live verification in the place of a CRL, where nobody can ask',
    { SECRET_OVER_BUDGET: 'online' },
    'SECRET_OVER_BUDGET: is online and needs VERIFY_URL',
  ],
  [
    'live verification in the place of a CRL, where nothing is ever proven',
    { SECRET_OVER_BUDGET: 'online', VERIFY_URL: 'http://ca.pki.svc', ENFORCEMENT_PROBE: 'off' },
    'SECRET_OVER_BUDGET: is online and needs ENFORCEMENT_PROBE=on',
  ],
  ['a CRL that outlives the CA', { CA_VALIDITY: 'P6D' }, 'CRL_VALIDITY: is longer than CA_VALIDITY (P6D)'],
  [
    'a leaf that outlives the CA',
    { CA_VALIDITY: 'P30D', ISSUANCE_MAX_VALIDITY: 'P31D' },
    'ISSUANCE_MAX_VALIDITY: P31D is longer than CA_VALIDITY (P30D)',
  ],
  [
    'a certificate without its key',
    { CA_IMPORT_CERTIFICATE_FILE: 'ca.crt' },
    'CA_IMPORT_CERTIFICATE_FILE: needs CA_IMPORT_KEY_FILE',
  ],
  [
    'a key without its certificate',
    { CA_IMPORT_KEY_FILE: 'ca.key' },
    'CA_IMPORT_KEY_FILE: needs CA_IMPORT_CERTIFICATE_FILE',
  ],
  [
    'a passphrase of nothing',
    { CA_IMPORT_PASSPHRASE_FILE: 'pass' },
    'CA_IMPORT_PASSPHRASE_FILE: needs CA_IMPORT_KEY_FILE',
  ],
  [
    'a key in a Secret without Kubernetes',
    { CA_KEY_STORE: 'secret', KUBERNETES: 'off' },
    'CA_KEY_STORE: is secret, but the service runs without Kubernetes',
  ],
  [
    'live verification of Ingresses without Kubernetes',
    { VERIFY_URL: 'http://internal-ca.pki.svc', KUBERNETES: 'off' },
    'VERIFY_URL: is set, but the service runs without Kubernetes',
  ],
  [
    'networks of controllers that cannot reach us',
    { VERIFY_NETWORKS: '10.0.0.0/8', KUBERNETES: 'in-cluster' },
    'VERIFY_NETWORKS: needs VERIFY_URL',
  ],
  [
    'the key in the published Secret',
    { CA_KEY_STORE: 'secret', CA_KEY_SECRET_NAME: 'internal-ca', KUBERNETES: 'in-cluster' },
    'CA_KEY_SECRET_NAME: is the published Secret PUBLICATION_SECRET_NAME: the key must never be in it',
  ],
  [
    'copies in namespaces without Kubernetes',
    { PUBLICATION_NAMESPACES: 'shop', KUBERNETES: 'off' },
    'PUBLICATION_NAMESPACES: is set, but the service runs without Kubernetes',
  ],
  [
    'a command for files that are not written',
    { PUBLICATION_COMMAND: 'nginx -s reload', KUBERNETES: 'in-cluster' },
    'PUBLICATION_COMMAND: is set, but with Kubernetes Secrets are published, not files',
  ],
  [
    'selected namespaces that are not looked at',
    {
      PUBLICATION_NAMESPACE_SELECTOR: 'ca=yes',
      KUBERNETES_SCOPE: 'namespaces',
      KUBERNETES: 'in-cluster',
    },
    'PUBLICATION_NAMESPACE_SELECTOR: needs KUBERNETES_SCOPE=cluster: namespaces cannot be selected without seeing all of them',
  ],
  [
    'namespaces that may ask but not be changed',
    { ENFORCEMENT_NAMESPACES: 'shop,blog', ENFORCEMENT_DECLARATIVE_NAMESPACES: 'shop,other' },
    'ENFORCEMENT_DECLARATIVE_NAMESPACES: other is not one of ENFORCEMENT_NAMESPACES',
  ],
  [
    'service accounts without Kubernetes',
    { ACCESS_SERVICE_ACCOUNT_GRANTS_FILE: 'grants.yaml', KUBERNETES: 'off' },
    'ACCESS_SERVICE_ACCOUNT_GRANTS_FILE: is set, but the service runs without Kubernetes, which alone can check the tokens',
  ],
  [
    'a TLS certificate without its key',
    { TLS_CERTIFICATE_FILE: 'tls.crt' },
    'TLS_CERTIFICATE_FILE: needs TLS_KEY_FILE',
  ],
  [
    'a TLS key without its certificate',
    { TLS_KEY_FILE: 'tls.key' },
    'TLS_KEY_FILE: needs TLS_CERTIFICATE_FILE',
  ],
  [
    'one port for two listeners',
    { PORT: '8443', HTTP_PUBLIC_PORT: '8443' },
    'HTTP_PUBLIC_PORT: is PORT; it has to be another port',
  ],
  [
    'a kubeconfig without a context',
    { KUBERNETES: 'kubeconfig', KUBECONFIG: '/home/me/.kube/config' },
    'KUBERNETES_CONTEXT: is required with KUBERNETES=kubeconfig: the current context is never taken by accident',
  ],
  [
    'a context that nothing uses',
    { KUBERNETES_CONTEXT: 'kind' },
    'KUBERNETES_CONTEXT: needs KUBERNETES=kubeconfig',
  ],
  [
    'a database of another kind',
    { DATABASE_URL: 'mysql://h/d' },
    'DATABASE_URL: must be a postgresql:// URL',
  ],
];
for (const [what, env, message] of cases) {
  test(`refused: ${what}`, () => {
    assert.equal(
      refusalOf(() => loadConfig(env)),
      message,
    );
  });
}

test('the key is named as it was written', (t) => {
  const file = temporaryFile(t, 'crl:\n  validity: P1D\n  overlap: P1D\n');
  assert.equal(
    refusalOf(() => loadConfig({ CONFIG_FILE: file })),
    'crl.overlap: P1D is not shorter than crl.validity (P1D)',
  );
});

test('an imported CA is not held against the validity of a new one', () => {
  const files = { CA_IMPORT_CERTIFICATE_FILE: 'ca.crt', CA_IMPORT_KEY_FILE: 'ca.key' };
  assert.equal(
    refusalOf(() => loadConfig({ ...files, CA_VALIDITY: 'P30D', ISSUANCE_MAX_VALIDITY: 'P31D' })),
    'accepted',
  );
});

test("a laptop's kubeconfig alone changes nothing", () => {
  const config = loadConfig({ KUBECONFIG: '/home/me/.kube/config' });
  assert.equal(config.kubernetes.mode, 'auto');
});
