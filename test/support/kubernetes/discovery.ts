import type { JsonObject } from './json.ts';
import { apiVersionOf, type ResourceType, resourceTypes } from './resources.ts';

const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/**
 * `APIResourceList` of one version of a group. Undefined when the path is none, or nothing is served there: the
 * path is then unknown as any other.
 */
export function discover(
  url: string,
  served: (type: ResourceType) => string | undefined,
): JsonObject | undefined {
  const [, version] = /^\/apis?\/(v1|[^/]+\/[^/]+)$/.exec(new URL(url, 'https://stand-in').pathname) ?? [];
  const types = resourceTypes.filter((type) => {
    const itsVersion = served(type);
    return itsVersion !== undefined && apiVersionOf({ ...type, version: itsVersion }) === version;
  });
  if (version === undefined || types.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: version,
    resources: types.map(({ plural, kind, namespaced, review }) => ({
      name: plural,
      singularName: kind.toLowerCase(),
      namespaced,
      kind,
      verbs: review === true ? ['create'] : verbs,
    })),
  };
}
