import type { Ingress, Secret } from '../../../src/kubernetes/objects.ts';
import { annotationOf, type CertificateAuth, inControllerOrder, policyOf } from './host-policy.ts';

/** What the stand-in for ingress-nginx sees, and the few settings of its ConfigMap that matter here. */
export interface RenderInput {
  readonly ingresses: readonly Ingress[];
  readonly secrets: readonly Secret[];
  /** The server's own certificate, from somebody else's CA, for every host. */
  readonly serverCertificate: { readonly certificateFile: string; readonly keyFile: string };
  /** Where every path leads, e.g. `http://127.0.0.1:4000`. */
  readonly upstream: string;
  /** ConfigMap `use-forwarded-headers`. Default: false. */
  readonly useForwardedHeaders?: boolean;
  /** ConfigMap `ssl-session-cache`. Default: true, as theirs. */
  readonly sslSessionCache?: boolean;
}

/** Where the rendered server listens and keeps its files. */
export interface Place {
  readonly directory: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Answered at `/.generation`, to see when a reload is in force. */
  readonly generation: number;
}

export interface Rendered {
  readonly config: string;
  /** File name in the directory to content. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * nginx.conf as ingress-nginx 1.15 makes it of these objects, in what concerns client certificates
 * (rootfs/etc/nginx/template/nginx.tmpl 462-470, 906-948, 1006-1127, 1221-1246, 1284-1293), with its Lua redirect as an `if`. Redirects name
 * the port (`use-port-in-redirects`), since a test has no port 443.
 */
export function render(input: RenderInput, place: Place): Rendered {
  const files = new Map<string, string>();
  const sorted = inControllerOrder(input.ingresses);
  const hosts = new Set(
    sorted.flatMap((ingress) => (ingress.spec?.rules ?? []).flatMap(({ host }) => host ?? [])),
  );
  const servers = [...hosts].map((host) => renderServer(host, sorted, input, place, files));
  return { config: renderMain(servers, input, place), files };
}

function renderMain(servers: readonly string[], input: RenderInput, place: Place): string {
  const { directory, httpPort, httpsPort, generation } = place;
  const root = process.getuid?.() === 0;
  const cache =
    input.sslSessionCache === false ? '' : 'ssl_session_cache shared:SSL:10m;\n  ssl_session_timeout 10m;';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `${root ? 'user root;\n' : ''}daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log info;
events { worker_connections 256; }
http {
  access_log off;
${temporary.map((name) => `  ${name}_temp_path ${directory}/temp-${name};`).join('\n')}
  ssl_protocols TLSv1.2 TLSv1.3;
  ${cache}
  ssl_session_tickets off;
  ssl_certificate ${input.serverCertificate.certificateFile};
  ssl_certificate_key ${input.serverCertificate.keyFile};
  server {
    server_name _;
    listen 127.0.0.1:${httpPort} default_server;
    listen 127.0.0.1:${httpsPort} default_server ssl;
    location / { return 404 "default backend - 404"; }
    location = /.generation { return 200 "${generation}"; }
  }
${servers.join('\n')}
}
`;
}

function renderServer(
  host: string,
  sorted: readonly Ingress[],
  input: RenderInput,
  place: Place,
  files: Map<string, string>,
): string {
  const policy = policyOf(host, sorted, input.secrets);
  const auth = policy.certificateAuth;
  const matchCommonName = auth?.matchCommonName;
  const lines = [
    `server_name ${host};`,
    `listen 127.0.0.1:${place.httpPort};`,
    `listen 127.0.0.1:${place.httpsPort} ssl;`,
    ...(matchCommonName === undefined
      ? []
      : [
          `if ( $ssl_client_s_dn !~ ${JSON.stringify(matchCommonName)} ) {`,
          '  return 403 "client certificate unauthorized";',
          '}',
        ]),
    ...(policy.authTlsError === undefined
      ? renderCertificateAuth(auth, place.directory, files)
      : [`# ${policy.authTlsError.replaceAll('\n', ' ')}`, 'return 403;']),
    ...renderLocations(host, sorted, auth, input, place),
  ];
  return `  server {\n${lines.map((line) => `    ${line}\n`).join('')}  }`;
}

function renderCertificateAuth(
  auth: CertificateAuth | undefined,
  directory: string,
  files: Map<string, string>,
): string[] {
  if (auth === undefined) return [];
  const caFile = `ca-${auth.fileStem}.pem`;
  const crlFile = `crl-${auth.fileStem}.pem`;
  files.set(caFile, auth.caCrt);
  if (auth.caCrl !== undefined) files.set(crlFile, auth.caCrl);
  return [
    `ssl_client_certificate ${directory}/${caFile};`,
    `ssl_verify_client ${auth.verifyClient};`,
    `ssl_verify_depth ${auth.verifyDepth};`,
    ...(auth.caCrl === undefined ? [] : [`ssl_crl ${directory}/${crlFile};`]),
    ...(auth.errorPage === undefined ? [] : [`error_page 495 496 = ${auth.errorPage};`]),
  ];
}

/** One location per path; the first Ingress that names a path has it. */
function renderLocations(
  host: string,
  sorted: readonly Ingress[],
  auth: CertificateAuth | undefined,
  input: RenderInput,
  place: Place,
): string[] {
  const hasTls = sorted.some(
    ({ spec }) => spec?.tls?.some(({ hosts }) => hosts?.includes(host) === true) === true,
  );
  const seen = new Set<string>();
  return sorted.flatMap((ingress) => {
    const paths = (ingress.spec?.rules ?? [])
      .filter((rule) => rule.host === host)
      .flatMap((rule) => rule.http?.paths ?? []);
    return paths.flatMap(({ path = '/', pathType }) => {
      const match = pathType === 'Exact' ? `= ${path}` : path;
      if (seen.has(match)) return [];
      seen.add(match);
      const redirect = redirects(ingress, path, hasTls) ? renderRedirect(input, place.httpsPort) : [];
      const asking = renderAuthRequest(ingress, path, pathType, auth);
      return [
        ...asking.location,
        `location ${match} {`,
        ...[...redirect, ...asking.lines, ...renderProxy(auth, input)].map((line) => `  ${line}`),
        '}',
      ];
    });
  });
}

/** lua_ingress.lua, redirect_to_https; the exemption is the default of `no-tls-redirect-locations`. */
function redirects(ingress: Ingress, path: string, hasTls: boolean): boolean {
  if (path.startsWith('/.well-known/acme-challenge')) return false;
  if (annotationOf(ingress, 'force-ssl-redirect') === 'true') return true;
  return annotationOf(ingress, 'ssl-redirect') !== 'false' && hasTls;
}

function renderRedirect({ useForwardedHeaders }: RenderInput, httpsPort: number): string[] {
  return [
    'set $pass_access_scheme $scheme;',
    ...(useForwardedHeaders === true
      ? ['if ($http_x_forwarded_proto) { set $pass_access_scheme $http_x_forwarded_proto; }']
      : []),
    `if ($pass_access_scheme = http) { return 308 https://$host:${httpsPort}$request_uri; }`,
  ];
}

/** What `auth-url` becomes: a location of its own for each path, and a question before each request. */
function renderAuthRequest(
  ingress: Ingress,
  path: string,
  pathType: string | undefined,
  auth: CertificateAuth | undefined,
): { readonly location: readonly string[]; readonly lines: readonly string[] } {
  const url = annotationOf(ingress, 'auth-url');
  if (url === undefined) return { location: [], lines: [] };
  const authPath = `/_external-auth-${Buffer.from(path).toString('base64url')}-${pathType ?? 'default'}`;
  const headers = (annotationOf(ingress, 'auth-response-headers') ?? '')
    .split(',')
    .filter((each) => each !== '');
  const location = [
    'internal;',
    'proxy_intercept_errors off;',
    'proxy_pass_request_body off;',
    'proxy_set_header Content-Length "";',
    'proxy_set_header X-Forwarded-Proto "";',
    `proxy_set_header Host ${new URL(url).hostname};`,
    'proxy_set_header X-Original-URL $scheme://$http_host$request_uri;',
    'proxy_set_header X-Original-Method $request_method;',
    'proxy_set_header X-Real-IP $remote_addr;',
    'proxy_set_header X-Forwarded-For $remote_addr;',
    'proxy_buffer_size 4k;',
    'proxy_pass_request_headers on;',
    ...renderClientHeaders(auth),
    `set $target ${JSON.stringify(url)};`,
    'proxy_pass $target;',
  ];
  const lines = [
    ...(annotationOf(ingress, 'satisfy') === 'any' ? ['satisfy any;', 'allow all;'] : []),
    `auth_request ${authPath};`,
    'auth_request_set $auth_cookie $upstream_http_set_cookie;',
    ...headers.flatMap((header, index) => [
      `auth_request_set $authHeader${index} $upstream_http_${header.toLowerCase().replaceAll('-', '_')};`,
      `proxy_set_header '${header}' $authHeader${index};`,
    ]),
  ];
  return { location: [`location = ${authPath} {`, ...location.map((line) => `  ${line}`), '}'], lines };
}

/** Only a host with a CA overwrites what a client may have sent under these names. */
function renderClientHeaders(auth: CertificateAuth | undefined): string[] {
  if (auth === undefined) return [];
  return [
    ...(auth.passCertificate ? ['proxy_set_header ssl-client-cert $ssl_client_escaped_cert;'] : []),
    'proxy_set_header ssl-client-verify $ssl_client_verify;',
    'proxy_set_header ssl-client-subject-dn $ssl_client_s_dn;',
    'proxy_set_header ssl-client-issuer-dn $ssl_client_i_dn;',
  ];
}

function renderProxy(auth: CertificateAuth | undefined, { upstream }: RenderInput): string[] {
  return [`proxy_pass ${upstream};`, 'proxy_set_header Host $http_host;', ...renderClientHeaders(auth)];
}
