import type { Clock } from '../clock.ts';
import { faultOf } from './api-error.ts';
import type { ClusterTrustBundle } from './objects.ts';
import { clusterTrustBundles, type Resource } from './resources.ts';
import type { Transport } from './transport.ts';

/** Newest first. v1beta1 is there since Kubernetes 1.33, behind a feature gate. */
const versions = ['v1', 'v1beta1'] as const;

/** An upgrade of the control plane may bring the kind, or take the old version away. */
const knownForMs = 5 * 60_000;

export interface TrustBundleDiscovery {
  /** Undefined where the cluster does not serve the kind. @throws Fault as `KubernetesApi` */
  find(): Promise<Resource<ClusterTrustBundle> | undefined>;
  /** Asks again the next time: what was found turned out not to be there. */
  forget(): void;
}

/** Finds out in which version the API server serves ClusterTrustBundles, if in any, and remembers it for a while. */
export function createTrustBundleDiscovery(transport: Transport, clock: Clock): TrustBundleDiscovery {
  let known:
    | { readonly until: number; readonly resource: Resource<ClusterTrustBundle> | undefined }
    | undefined;
  return {
    async find() {
      const now = clock.now();
      // A clock that was set back must not keep an old answer for ever.
      if (known !== undefined && now < known.until && now >= known.until - knownForMs) return known.resource;
      const resource = await discover(transport);
      known = { until: now + knownForMs, resource };
      return resource;
    },
    forget() {
      known = undefined;
    },
  };
}

async function discover(transport: Transport): Promise<Resource<ClusterTrustBundle> | undefined> {
  for (const version of versions) {
    const resource = clusterTrustBundles(version);
    const response = await transport.send({ method: 'GET', path: `/apis/${resource.apiVersion}` });
    if (response.status === 200 && lists(response.body, resource.plural)) return resource;
    if (response.status !== 200 && response.status !== 404) {
      throw faultOf({ verb: 'get', resource: `apis/${resource.apiVersion}` }, response);
    }
  }
  return undefined;
}

/** Whether an `APIResourceList` names the resource. */
function lists(body: unknown, plural: string): boolean {
  if (typeof body !== 'object' || body === null || !('resources' in body)) return false;
  const { resources } = body;
  return Array.isArray(resources) && resources.some((resource) => resource?.name === plural);
}
