import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codes, ingress, ingressClass, nginxClass, plan } from './fixtures.ts';

const traefik = ingressClass('traefik', 'traefik.io/ingress-controller');

test('an IngressClass of another controller is refused, named or not', () => {
  const classes = [ingressClass('nginx', 'nginx.org/ingress-controller')];
  for (const named of [true, false]) {
    assert.deepEqual(codes(plan(ingress(), { classes, named }).reasons), ['controller-mismatch']);
  }
});

test('an unheard-of controller is taken for ingress-nginx only when somebody says so', () => {
  const classes = [ingressClass('nginx', 'k8s.io/internal-ingress-nginx')];
  const named = plan(ingress(), { classes, named: true });
  assert.deepEqual([codes(named.reasons), codes(named.warnings)], [[], ['controller-unrecognised']]);
  assert.deepEqual(codes(plan(ingress(), { classes, named: false }).reasons), ['controller-mismatch']);
});

test('an IngressClass that does not exist serves nobody', () => {
  assert.deepEqual(codes(plan(ingress(), { classes: [] }).reasons), ['controller-mismatch']);
});

test('concluded from the IngressClass, it is only assumed, and not at all beside Traefik', () => {
  const assumed = plan(ingress(), { named: false });
  assert.deepEqual([codes(assumed.reasons), codes(assumed.warnings)], [[], ['controller-assumed']]);
  const classes = [nginxClass, traefik];
  assert.deepEqual(codes(plan(ingress(), { classes, named: false }).reasons), ['controller-ambiguous']);
  assert.deepEqual(plan(ingress(), { classes, named: true }).reasons, []);
});

test("AKS's string is claimed by nobody else", () => {
  for (const controller of [
    'webapprouting.kubernetes.azure.com/nginx',
    'webapprouting.kubernetes.azure.com/nginx/internal',
  ]) {
    const classes = [ingressClass('nginx', controller), traefik];
    const result = plan(ingress(), { classes, named: false });
    assert.deepEqual([result.reasons, result.warnings], [[], []]);
  }
  const unlike = [ingressClass('nginx', 'webapprouting.kubernetes.azure.com/nginxy')];
  assert.deepEqual(codes(plan(ingress(), { classes: unlike, named: false }).reasons), [
    'controller-mismatch',
  ]);
});

test('the old class annotation works as the controller reads it', () => {
  const byAnnotation = (value: string) => {
    const { ingressClassName, ...spec } = ingress().spec ?? {};
    assert.equal(ingressClassName, 'nginx');
    return { ...ingress({ metadata: { annotations: { 'kubernetes.io/ingress.class': value } } }), spec };
  };
  assert.deepEqual(plan(byAnnotation('nginx'), { classes: [] }).reasons, []);
  assert.deepEqual(codes(plan(byAnnotation('traefik'), { classes: [traefik] }).reasons), [
    'controller-mismatch',
  ]);
  assert.deepEqual(codes(plan(byAnnotation('public'), { classes: [] }).reasons), ['controller-mismatch']);
});

test('without a class it is refused, or trusted with a warning', () => {
  const { ingressClassName, ...spec } = ingress().spec ?? {};
  assert.equal(ingressClassName, 'nginx');
  const classless = { ...ingress(), spec };
  assert.deepEqual(codes(plan(classless, { named: false }).reasons), ['ingress-class-missing']);
  assert.deepEqual(codes(plan(classless, { named: true }).warnings), ['ingress-class-missing']);
});

test('canaries, Ingresses on their way out and passthrough are refused', () => {
  assert.deepEqual(codes(plan(ingress({ annotations: { canary: 'true' } })).reasons), ['canary']);
  assert.deepEqual(plan(ingress({ annotations: { canary: 'false' } })).reasons, []);
  assert.deepEqual(codes(plan(ingress({ annotations: { 'ssl-passthrough': 'true' } })).reasons), [
    'ssl-passthrough',
  ]);
  const leaving = ingress({ metadata: { deletionTimestamp: '2026-01-03T00:00:00Z' } });
  assert.deepEqual(codes(plan(leaving).reasons), ['ingress-deleting']);
});

test('annotations with another prefix show a controller that does not read ours', () => {
  const target = ingress({ metadata: { annotations: { 'corp.example/auth-tls-secret': 'app/x' } } });
  assert.deepEqual(codes(plan(target).reasons), ['annotations-prefix']);
});

test('an explicit ssl-redirect "false" is overruled and reported', () => {
  const result = plan(ingress({ annotations: { 'ssl-redirect': 'false' } }));
  assert.deepEqual([codes(result.reasons), codes(result.warnings)], [[], ['ssl-redirect-overruled']]);
});

for (const snippet of [
  'ssl_verify_client off;',
  'location /open { proxy_pass http://x; }',
  'error_page 495 496 = /open;',
  'proxy_set_header ssl-client-verify SUCCESS;',
]) {
  test(`a snippet with "${snippet}" is refused where snippets are honoured`, () => {
    const target = ingress({ annotations: { 'server-snippet': snippet } });
    assert.deepEqual(codes(plan(target).reasons), ['snippet-interferes']);
    const config = { 'allow-snippet-annotations': 'true' };
    assert.deepEqual(codes(plan(target, { config }).reasons), ['snippet-interferes']);
    assert.deepEqual(plan(target, { config: {} }).reasons, []);
    const others = [ingress({ name: 'other', annotations: { 'server-snippet': snippet } })];
    assert.deepEqual(codes(plan(ingress(), { others }).reasons), ['snippet-interferes']);
  });
}

/** The controller writes its own snippets whatever `allow-snippet-annotations` is. */
function controllerSnippet(name: string, snippet: string, options = {}) {
  return codes(plan(ingress({ hosts: ['a.example'] }), { config: { [name]: snippet }, ...options }).reasons);
}

for (const snippet of [
  'ssl_verify_client off;',
  'location /open { proxy_pass http://x; }',
  'error_page 495 496 = /open;',
  'proxy_set_header ssl-client-verify SUCCESS;',
  'server_name a.example;',
]) {
  test(`a snippet of the controller's ConfigMap with "${snippet}" is refused`, () => {
    assert.deepEqual(controllerSnippet('server-snippet', snippet), ['snippet-interferes']);
    assert.deepEqual(controllerSnippet('location-snippet', snippet), ['snippet-interferes']);
    assert.deepEqual(controllerSnippet('server-snippet', snippet, { settings: { mode: 'off' } }), []);
  });
}

test('a server in the http-snippet of the controller is refused when it has one of our names', () => {
  const server = (names: string) =>
    controllerSnippet('http-snippet', `server { listen 80; ${names} location / { return 200; } }`);
  for (const name of ['a.example', '"A.example" b.example', '*.example', '.example', '~^a'])
    assert.deepEqual(server(`server_name ${name};`), ['snippet-interferes'], name);
  assert.deepEqual(server('server_name b.example;'), []);
  assert.deepEqual(server(''), []);
});

test('an http-snippet that is about verification, or hides a refusal, is refused', () => {
  for (const snippet of ['ssl_verify_client off;', 'error_page 496 =200 @open;'])
    assert.deepEqual(controllerSnippet('http-snippet', snippet), ['snippet-interferes']);
  assert.deepEqual(controllerSnippet('http-snippet', 'map $uri $x { default 1; }'), []);
});

test('any other snippet is reported', () => {
  const result = plan(ingress({ annotations: { 'configuration-snippet': 'more_set_headers "X: y";' } }));
  assert.deepEqual([codes(result.reasons), codes(result.warnings)], [[], ['snippet-present']]);
});

test('a risk level below what is needed is refused', () => {
  const level = (value: string, settings = {}) =>
    codes(plan(ingress(), { config: { 'annotations-risk-level': value }, settings }).reasons);
  assert.deepEqual(level('Low'), ['annotations-risk-level']);
  assert.deepEqual(level('nonsense'), ['annotations-risk-level']);
  assert.deepEqual(level('Medium'), []);
  assert.deepEqual(level('Medium', { matchCommonName: 'alice' }), ['annotations-risk-level']);
  assert.deepEqual(level('Medium', { errorPage: '/sorry' }), ['annotations-risk-level']);
  assert.deepEqual(level('High', { matchCommonName: 'alice' }), []);
});

for (const value of ['true', 'True', '1', 't']) {
  test(`use-forwarded-headers "${value}" is refused until matchCommonName closes port 80`, () => {
    const config = { 'use-forwarded-headers': value };
    assert.deepEqual(codes(plan(ingress(), { config }).reasons), ['forwarded-proto-believed']);
    const closed = plan(ingress(), { config, settings: { matchCommonName: '*' } });
    assert.deepEqual([closed.reasons, codes(closed.warnings)], [[], ['match-common-name-closes-http']]);
    for (const mode of ['optional', 'off'] as const)
      assert.deepEqual(plan(ingress(), { config, settings: { mode } }).reasons, []);
  });
}

test('use-forwarded-headers that is false, or no boolean, is the default', () => {
  for (const value of ['false', '0', 'yes', ''])
    assert.deepEqual(plan(ingress(), { config: { 'use-forwarded-headers': value } }).reasons, []);
});

test('use-proxy-protocol is reported: only a client behind the load balancer can use it', () => {
  const config = { 'use-proxy-protocol': 'true' };
  const result = plan(ingress(), { config });
  assert.deepEqual([result.reasons, codes(result.warnings)], [[], ['proxy-protocol-believed']]);
  const closed = plan(ingress(), { config, settings: { matchCommonName: '*' } });
  assert.deepEqual(codes(closed.warnings), ['match-common-name-closes-http']);
});

test('snippets are honoured by every spelling of true', () => {
  const target = ingress({ annotations: { 'server-snippet': 'ssl_verify_client off;' } });
  for (const value of ['true', 'True', '1'])
    assert.deepEqual(codes(plan(target, { config: { 'allow-snippet-annotations': value } }).reasons), [
      'snippet-interferes',
    ]);
});

test('paths that are exempt from the redirect are refused; the ACME one is only reported', () => {
  const acme = ingress({ paths: ['/', '/.well-known/acme-challenge/x'] });
  assert.deepEqual([plan(acme).reasons, codes(plan(acme).warnings)], [[], ['acme-path-open']]);
  const config = { 'no-tls-redirect-locations': '/.well-known/acme-challenge, /open' };
  const open = ingress({ paths: ['/open/door'] });
  assert.deepEqual(codes(plan(open, { config }).reasons), ['plain-http-location']);
  assert.deepEqual(plan(open).reasons, []);
});

test('matchCommonName and optional contradict each other', () => {
  for (const mode of ['optional', 'off'] as const) {
    const { reasons } = plan(ingress(), { settings: { mode, matchCommonName: 'alice' } });
    assert.deepEqual(codes(reasons), ['match-common-name-needs-on']);
  }
});

test('a snippet is searched statement by statement', () => {
  const found = (snippet: string) =>
    codes(plan(ingress({ annotations: { 'configuration-snippet': snippet } })).reasons);
  assert.deepEqual(found('error_page 404 /x; return 495;'), []);
  assert.deepEqual(found('gzip on; ERROR_PAGE 404 /x "497" /y;'), ['snippet-interferes']);
  assert.deepEqual(found('error_page 4950 /x;'), []);
});
