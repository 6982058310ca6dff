import type { Config } from '../config/config.ts';

/** The namespaces that the service may look at; undefined where it sees all of them. */
export function visibleNamespaces(
  { kubernetes, publication, enforcement }: Config,
  own: string,
): readonly string[] | undefined {
  if (kubernetes.scope === 'cluster') return undefined;
  const enforced = enforcement.namespaces.filter((namespace) => namespace !== '*');
  return [...new Set([own, ...publication.namespaces, ...enforced])];
}
