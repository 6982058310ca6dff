import type { IncomingMessage } from 'node:http';
import { isObject, type JsonObject } from './json.ts';
import { apiVersionOf, type ResourceType, resourceTypes } from './resources.ts';
import { selectedName } from './selectors.ts';
import { badRequest, noSuchPath, PageNotFound } from './status.ts';

/** A request, taken apart as the API server's RequestInfo does. */
export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly verb: string;
  readonly type: ResourceType;
  /** Group and version of the path. */
  readonly apiVersion: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** `token` of a ServiceAccount; others are not served. */
  readonly subresource: 'token' | undefined;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly accept: string;
  readonly fieldManager: string;
  readonly dryRun: boolean;
  readonly body: unknown;
  /** Tells connections apart. */
  readonly remotePort: number | undefined;
}

const path =
  /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+)(?<token>\/token)?)?$/;
/** A namespace itself, which the pattern above would take for a resource inside of it. */
const namespacePath = /^\/api\/v1\/namespaces(?:\/(?<name>[^/]+))?$/;

/** @param served the version that a kind is served in, undefined where it is not */
export async function readCall(
  request: IncomingMessage,
  served: (type: ResourceType) => string | undefined,
): Promise<ApiCall> {
  const url = new URL(request.url ?? '/', 'https://stand-in');
  const body = await readBody(request);
  const { type, namespace, name, subresource } = locate(url.pathname, served);
  const query = url.searchParams;
  const method = request.method ?? 'GET';
  const watch = query.get('watch') === 'true' || query.get('watch') === '1';
  return {
    method,
    path: url.pathname,
    verb: verbOf(method, name, watch),
    type,
    apiVersion: apiVersionOf({ ...type, version: served(type) ?? type.version }),
    namespace,
    name: name ?? (method === 'GET' ? selectedName(query) : undefined),
    subresource,
    query,
    contentType: (request.headers['content-type'] ?? 'application/json').split(';')[0] ?? '',
    accept: request.headers.accept ?? '',
    fieldManager:
      query.get('fieldManager') ?? (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? '',
    dryRun: query.getAll('dryRun').includes('All'),
    body,
    remotePort: request.socket.remotePort,
  };
}

function locate(
  pathname: string,
  served: (type: ResourceType) => string | undefined,
): Pick<ApiCall, 'type' | 'namespace' | 'name' | 'subresource'> {
  const whole = namespacePath.exec(pathname);
  const found = whole?.groups ?? path.exec(pathname)?.groups ?? {};
  const plural = whole === null ? found.plural : 'namespaces';
  const group = found.group ?? '';
  if (!resourceTypes.some((type) => type.group === group)) throw new PageNotFound();
  const type = resourceTypes.find((t) => t.group === group && t.plural === plural);
  if (type === undefined || (found.version ?? 'v1') !== served(type)) throw noSuchPath();
  const subresource = found.token === undefined ? undefined : 'token';
  if (subresource !== undefined && type.plural !== 'serviceaccounts') throw noSuchPath();
  // As in the real one's RequestInfo, a namespace lies in itself: a Role inside of it can allow reading it.
  const namespace = whole === null ? found.namespace : found.name;
  return { type, namespace: decode(namespace), name: decode(found.name), subresource };
}

const decode = (text: string | undefined) => (text === undefined ? undefined : decodeURIComponent(text));

function verbOf(method: string, name: string | undefined, watch: boolean): string {
  if (method === 'GET') return watch ? 'watch' : name === undefined ? 'list' : 'get';
  return { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method] ?? method.toLowerCase();
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  if (chunks.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw badRequest('the stand-in reads JSON only');
  }
}

export function objectBody(call: ApiCall): JsonObject {
  if (!isObject(call.body)) throw badRequest('the body is not an object');
  return call.body;
}
