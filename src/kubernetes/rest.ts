import { Fault } from '../fault.ts';
import { faultOf, type Operation, refusalBehind } from './api-error.ts';
import type { AppliedToCluster, ApplyOptions, DeletePreconditions, Patch, PatchOptions } from './client.ts';
import { fieldManager } from './client.ts';
import type { KubernetesObject } from './objects.ts';
import { isKubernetesObject, pathOf, type Resource } from './resources.ts';
import type { ApiRequest, ApiResponse, Transport } from './transport.ts';
import type { WatchScope } from './watch.ts';

/** Objects of a list are fetched in pages of this size, so that no answer grows with the cluster. */
const pageSize = 500;

const metadataAccept = {
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  // A watch negotiates the single object.
  watch: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
};

/** What to create or apply, of a kind with or without namespaces. */
type Wanted<T extends KubernetesObject> = AppliedToCluster<T> & {
  readonly metadata: { readonly namespace?: string };
};

interface Listed<T> {
  readonly items: T[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

/** The verbs of the Kubernetes API on any resource. Errors as in `KubernetesApi`. */
export function createRest(transport: Transport) {
  async function send(operation: Operation, request: ApiRequest): Promise<ApiResponse> {
    const response = await transport.send(request);
    if (response.status >= 200 && response.status < 300) return response;
    throw faultOf(operation, response);
  }

  /** Like `send`, but undefined when the object itself is not there. */
  async function sendTo(operation: Operation, request: ApiRequest): Promise<ApiResponse | undefined> {
    const response = await transport.send(request);
    if (response.status === 404) return undefined;
    if (response.status >= 200 && response.status < 300) return response;
    throw faultOf(operation, response);
  }

  async function readPages<T extends KubernetesObject>(
    r: Resource<T>,
    scope: WatchScope,
    limit: number | undefined,
  ): Promise<Listed<T>> {
    const items: T[] = [];
    const request = listRequest(r, scope);
    let continueToken: string | undefined;
    let resourceVersion = '';
    do {
      const query = { ...request.query, limit: limit?.toString(), continue: continueToken };
      const response = await send(operationOn('list', r, scope.namespace, scope.name), {
        ...request,
        query,
      });
      const page = readList(r, response.body);
      items.push(...page.items);
      resourceVersion = page.resourceVersion;
      continueToken = page.continueToken;
    } while (continueToken !== undefined);
    return { items, resourceVersion };
  }

  return {
    async get<T extends KubernetesObject>(r: Resource<T>, namespace: string | undefined, name: string) {
      const operation = operationOn('get', r, namespace, name);
      const response = await sendTo(operation, { method: 'GET', path: pathOf(r, namespace, name) });
      return response === undefined ? undefined : objectIn(r, response);
    },

    /**
     * In pages, all of one moment. Where that moment is no longer known before the last page has come (the cluster
     * is slow, or changes fast), the whole list is asked for in one piece.
     */
    async list<T extends KubernetesObject>(r: Resource<T>, scope: WatchScope): Promise<Listed<T>> {
      try {
        return await readPages(r, scope, pageSize);
      } catch (error) {
        if (refusalBehind(error)?.status !== 410) throw error;
        return readPages(r, scope, undefined);
      }
    },

    async create<T extends KubernetesObject>(r: Resource<T>, object: Wanted<T>): Promise<T> {
      const { namespace, name } = object.metadata;
      const response = await send(operationOn('create', r, namespace, name), {
        method: 'POST',
        path: pathOf(r, namespace),
        query: { fieldManager },
        body: { apiVersion: r.apiVersion, kind: r.kind, ...object },
      });
      return objectIn(r, response);
    },

    /** Replaces the object as a whole; its `metadata.resourceVersion` must still be the present one. */
    async update<T extends KubernetesObject>(r: Resource<T>, object: T): Promise<T> {
      const { namespace, name } = object.metadata;
      const response = await send(operationOn('update', r, namespace, name), {
        method: 'PUT',
        path: pathOf(r, namespace, name),
        query: { fieldManager },
        body: { ...object, apiVersion: r.apiVersion, kind: r.kind },
      });
      return objectIn(r, response);
    },

    async apply<T extends KubernetesObject>(r: Resource<T>, object: Wanted<T>, o: ApplyOptions): Promise<T> {
      const { namespace, name } = object.metadata;
      const response = await send(operationOn('patch', r, namespace, name), {
        method: 'PATCH',
        path: pathOf(r, namespace, name),
        query: {
          fieldManager: o.fieldManager ?? fieldManager,
          force: String(o.force ?? false),
          dryRun: o.dryRun === true ? 'All' : undefined,
        },
        contentType: 'application/apply-patch+yaml', // JSON is YAML
        body: { apiVersion: r.apiVersion, kind: r.kind, ...object },
      });
      return objectIn(r, response);
    },

    async patch<T extends KubernetesObject>(
      r: Resource<T>,
      namespace: string | undefined,
      name: string,
      patch: Patch,
      o: PatchOptions,
    ): Promise<T | undefined> {
      const response = await sendTo(operationOn('patch', r, namespace, name), {
        method: 'PATCH',
        path: pathOf(r, namespace, name),
        query: {
          fieldManager: o.fieldManager ?? fieldManager,
          dryRun: o.dryRun === true ? 'All' : undefined,
        },
        ...patchBody(patch, o.resourceVersion),
      });
      return response === undefined ? undefined : objectIn(r, response);
    },

    async delete<T extends KubernetesObject>(
      r: Resource<T>,
      namespace: string | undefined,
      name: string,
      preconditions?: DeletePreconditions,
    ): Promise<boolean> {
      const response = await sendTo(operationOn('delete', r, namespace, name), {
        method: 'DELETE',
        path: pathOf(r, namespace, name),
        body: { apiVersion: 'v1', kind: 'DeleteOptions', ...(preconditions && { preconditions }) },
      });
      return response !== undefined;
    },
  };
}

export type Rest = ReturnType<typeof createRest>;

/** The request of a list in this scope; with `watch=true` added it is the watch. */
export function listRequest<T extends KubernetesObject>(
  r: Resource<T>,
  scope: WatchScope,
  kind: 'list' | 'watch' = 'list',
): ApiRequest {
  return {
    method: 'GET',
    path: pathOf(r, scope.namespace),
    query: {
      labelSelector: scope.labelSelector,
      fieldSelector: scope.name === undefined ? undefined : `metadata.name=${scope.name}`,
    },
    ...(scope.metadataOnly === true ? { accept: metadataAccept[kind] } : {}),
  };
}

export function operationOn<T extends KubernetesObject>(
  verb: Operation['verb'],
  { plural }: Resource<T>,
  namespace?: string,
  name?: string,
): Operation {
  return { verb, resource: plural, ...(namespace && { namespace }), ...(name && { name }) };
}

/** The resourceVersion goes into the patch itself: the API server then answers 409 when the object moved on. */
function patchBody(
  patch: Patch,
  resourceVersion: string | undefined,
): Pick<ApiRequest, 'contentType' | 'body'> {
  if (patch.type === 'json') {
    const guard = { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion };
    const body = resourceVersion === undefined ? patch.operations : [...patch.operations, guard];
    return { contentType: 'application/json-patch+json', body };
  }
  const metadata = patch.body.metadata;
  const guarded = { ...(typeof metadata === 'object' ? metadata : {}), resourceVersion };
  const body = resourceVersion === undefined ? patch.body : { ...patch.body, metadata: guarded };
  return { contentType: 'application/merge-patch+json', body };
}

function objectIn<T extends KubernetesObject>(r: Resource<T>, response: ApiResponse): T {
  const { body } = response;
  if (isKubernetesObject(body) && r.accepts(body)) return body;
  throw notKubernetes(r);
}

function readList<T extends KubernetesObject>(r: Resource<T>, body: unknown) {
  if (typeof body !== 'object' || body === null || !('items' in body) || !('metadata' in body))
    throw notKubernetes(r);
  const { metadata } = body;
  // Go's JSON of a list without items may be null.
  const items: unknown = body.items ?? [];
  if (!Array.isArray(items) || typeof metadata !== 'object' || metadata === null) throw notKubernetes(r);
  const resourceVersion = 'resourceVersion' in metadata ? String(metadata.resourceVersion) : '';
  const token = 'continue' in metadata ? String(metadata.continue) : '';
  return {
    items: items.filter(isKubernetesObject).filter((item) => r.accepts(item)),
    resourceVersion,
    continueToken: token === '' ? undefined : token,
  };
}

/** A captive portal or a proxy that answers 200 with a page of its own. */
function notKubernetes<T extends KubernetesObject>(r: Resource<T>): Fault {
  return new Fault('kubernetes-unavailable', `What answered for ${r.plural} is not the Kubernetes API`);
}
