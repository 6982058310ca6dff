import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { createAccess, type Identity, type Rule } from './access.ts';
import type { ApiServer, ApiServerOptions, Interference, RecordedCall } from './api-server.ts';
import { createServerCertificate } from './certificates.ts';
import { emptyNamespace, terminateNamespace } from './deletion.ts';
import { discover } from './discovery.ts';
import { type JsonObject, stringAt } from './json.ts';
import { kubeconfigFor, mountServiceAccount } from './kubeconfig.ts';
import { recordUpdate } from './ownership.ts';
import { createLister, streamWatch } from './reading.ts';
import { type ApiCall, readCall } from './request.ts';
import { apiVersionOf, countGeneration, type ResourceType, typeOfKind } from './resources.ts';
import { createServiceAccounts } from './service-accounts.ts';
import { type Named, PageNotFound, StatusError, wanted, webhookDenied } from './status.ts';
import { createStorage } from './storage.ts';
import {
  type Admission,
  type Answer,
  create,
  get,
  patch,
  remove,
  update,
  type VerbContext,
} from './verbs.ts';

export type * from './api-server.ts';

/** Starts the stand-in on 127.0.0.1. Stop it at the end of the test: `t.after(() => server.stop())`. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const tls = await createServerCertificate();
  const storage = createStorage();
  const access = createAccess();
  const lister = createLister(storage);
  const adminToken = access.tokenFor(undefined, 'admin');
  const calls: RecordedCall[] = [];
  const now = () => options.now?.() ?? new Date();
  const accounts = createServiceAccounts(storage, now);
  let trustBundles = options.clusterTrustBundles ?? 'v1beta1';
  let interference: ((call: ApiCall) => Interference | undefined) | undefined;
  const admissions: Admission[] = [];
  const context: Omit<VerbContext, 'identity'> = {
    storage,
    admit: (call, object) =>
      admissions.map((admit) => admit(call, object)).find((refusal) => refusal !== undefined),
    now: () =>
      now()
        .toISOString()
        .replace(/\.\d+Z$/, 'Z'),
  };

  function recorder(call: ApiCall, { user }: Identity) {
    const { verb, namespace, name, fieldManager } = call;
    const resource = resourceOf(call).plural;
    let rule: Rule | undefined;
    return {
      allowedBy: (allowing: Rule | undefined) => {
        rule = allowing;
      },
      answered: (status: number) => {
        const allowed = rule === undefined ? {} : { allowedBy: rule };
        calls.push({ verb, resource, namespace, name, user, fieldManager, status, ...allowed });
      },
    };
  }

  function served(type: ResourceType): string | undefined {
    if (type.plural !== 'clustertrustbundles') return type.version;
    return trustBundles === 'off' ? undefined : trustBundles;
  }

  /** The version that is served may not be the one that objects are kept in. */
  function inVersion(type: ResourceType, { status, body }: Answer): Answer {
    const apiVersion = apiVersionOf({ ...type, version: served(type) ?? type.version });
    return { status, body: body.kind === type.kind ? { ...body, apiVersion } : body };
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (/^\/(readyz|livez|healthz)/.test(request.url ?? '')) return void response.end('ok');
    const identity = access.authenticate(request.headers.authorization);
    const resources = discover(request.url ?? '', served);
    if (resources !== undefined) return sendJson(response, { status: 200, body: resources });
    await serveCall(await readCall(request, served), identity, response);
  }

  async function serveCall(call: ApiCall, identity: Identity, response: ServerResponse): Promise<void> {
    const record = recorder(call, identity);
    try {
      if (await interferes(call, response, record.answered)) return;
      record.allowedBy(identity.authorize({ ...call, type: resourceOf(call) }));
      if (call.verb === 'watch') {
        record.answered(200);
        streamWatch(storage, call, response, { bookmarkIntervalMs: options.bookmarkIntervalMs ?? 1000 });
        return;
      }
      const answer = answerTo(call, identity);
      record.answered(answer.status);
      sendJson(response, inVersion(call.type, answer));
    } catch (error) {
      if (error instanceof StatusError) record.answered(error.code);
      throw error;
    }
  }

  function answerTo(call: ApiCall, identity: Identity): Answer {
    if (call.subresource !== undefined || call.type.review === true) return reviewed(call);
    const verbs = { ...context, identity };
    switch (call.verb) {
      case 'get':
        return get(verbs, call);
      case 'list':
        return lister.list(call);
      case 'create':
        return create(verbs, call);
      case 'update':
        return update(verbs, call);
      case 'patch':
        return patch(verbs, call);
      case 'delete':
        return remove(verbs, call);
      default:
        throw notAllowed();
    }
  }

  function reviewed({ verb, type, namespace = '', name = '', body }: ApiCall): Answer {
    if (verb !== 'create') throw notAllowed();
    return {
      status: 201,
      body: type.review === true ? accounts.review(body) : accounts.requestToken(namespace, name, body),
    };
  }

  /** True when the request has been dealt with (or never will be). */
  async function interferes(call: ApiCall, response: ServerResponse, record: (status: number) => void) {
    const wish = interference?.(call);
    if (wish === undefined) return false;
    if (wish === 'hang') return true;
    if (wish === 'reset') {
      response.socket?.destroy();
      return true;
    }
    if ('delayMs' in wish) {
      await pause(wish.delayMs);
      return false;
    }
    const failure = wanted(wish.status).toJson();
    for (const [name, value] of Object.entries(wish.headers ?? {})) response.setHeader(name, value);
    record(wish.status);
    sendJson(response, { status: wish.status, body: wish.body ?? failure });
    return true;
  }

  let server: Server | undefined;
  let port = 0;

  async function start(): Promise<void> {
    const starting = createServer({ key: tls.keyPem, cert: tls.certificatePem }, (request, response) => {
      serve(request, response).catch((error: unknown) => sendError(response, error));
    });
    await new Promise<void>((resolve, reject) => {
      starting.once('error', reject);
      starting.listen(port, '127.0.0.1', resolve);
    });
    const address: AddressInfo | string | null = starting.address();
    if (address !== null && typeof address === 'object') port = address.port;
    server = starting;
  }

  function put(object: JsonObject, manager = 'kubectl-create'): JsonObject {
    const type = typeOfKind(stringAt(object, 'apiVersion') ?? '', stringAt(object, 'kind') ?? '');
    const metadata = {
      namespace: stringAt(object, 'metadata', 'namespace'),
      name: stringAt(object, 'metadata', 'name') ?? '',
    };
    const live = storage.get(type, metadata.namespace, metadata.name);
    const next = structuredClone(object);
    type.applyDefaults?.(next);
    recordUpdate(live, next, { manager, apiVersion: apiVersionOf(type), time: context.now() });
    type.complete?.(next);
    countGeneration(type, next, live);
    return storage.put(type, next, context.now());
  }

  for (const name of options.namespaces ?? ['default', 'internal-ca']) {
    put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  await start();

  return {
    get url() {
      return `https://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    caPem: tls.caPem,
    adminToken,
    tokenFor: (rules, user) => access.tokenFor(rules, user),
    revokeToken(token) {
      access.revoke(token);
      accounts.revoke(token);
    },
    usedRules: (token) => access.usedRules(token),
    serviceAccountToken(asked) {
      const { name, namespace } = asked;
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
      if (storage.get(typeOfKind('v1', 'ServiceAccount'), namespace, name) === undefined) put(account);
      return accounts.issue(asked);
    },
    kubeconfig: (o = {}) =>
      kubeconfigFor({
        url: `https://127.0.0.1:${port}`,
        caPem: tls.caPem,
        token: adminToken,
        namespace: 'internal-ca',
        ...o,
      }),
    mountServiceAccount: (directory, o = {}) =>
      mountServiceAccount(directory, {
        port,
        caPem: tls.caPem,
        token: adminToken,
        namespace: 'internal-ca',
        ...o,
      }),
    put,
    read: (apiVersion, kind, namespace, name) => storage.get(typeOfKind(apiVersion, kind), namespace, name),
    remove: (apiVersion, kind, namespace, name) => {
      if (kind === 'Namespace') emptyNamespace(storage, name);
      storage.delete(typeOfKind(apiVersion, kind), namespace, name);
    },
    terminate: (namespace) => terminateNamespace(storage, namespace, context.now()),
    serveClusterTrustBundles(version) {
      trustBundles = version;
    },
    calls,
    interfere(with_) {
      interference = with_;
    },
    admit(webhook, review, code = 400) {
      admissions.push((call, object) => {
        const words = review(call, object);
        return words === undefined ? undefined : webhookDenied(webhook, words, code);
      });
    },
    compact: () => storage.compact(),
    dropConnections: () => server?.closeAllConnections(),
    async stop() {
      const stopping = server;
      server = undefined;
      if (stopping === undefined) return;
      await new Promise<void>((resolve) => {
        stopping.close(() => resolve());
        stopping.closeAllConnections();
      });
    },
    start,
  };
}

/** As RBAC names it: a subresource is a resource of its own. */
function resourceOf({ type, subresource }: ApiCall): Named {
  return subresource === undefined ? type : { ...type, plural: `${type.plural}/${subresource}` };
}

const notAllowed = () =>
  new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');

function sendJson(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(answer.body));
}

function sendError(response: ServerResponse, error: unknown): void {
  if (error instanceof PageNotFound) {
    response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end('404 page not found\n');
    return;
  }
  const status =
    error instanceof StatusError
      ? error
      : new StatusError(500, 'InternalError', `stand-in: ${String(error)}`);
  if (response.headersSent) response.destroy();
  else sendJson(response, { status: status.code, body: status.toJson() });
}
