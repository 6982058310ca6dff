import type { KubernetesApi, KubernetesObject, Namespace } from '../kubernetes/client.ts';
import { createInformer, type Informer } from '../reconcile/informer.ts';
import type { CopyNames, NamespacedPlace } from './copy-places.ts';

export interface CopyViewsOptions extends CopyNames {
  readonly api: Pick<KubernetesApi, 'watch'>;
  /** Where we may look; everywhere when absent. */
  readonly visibleNamespaces?: readonly string[] | undefined;
  /** Every namespace that it matches has copies. */
  readonly namespaceSelector?: string | undefined;
  /** An object of our name is new, changed or gone. */
  onCopy(kind: NamespacedPlace['kind'], namespace: string, object: KubernetesObject | undefined): void;
  onNamespace(name: string): void;
  onError(what: string, error: unknown): void;
}

/** What the cluster has: the objects of our names, and the namespaces that the selector matches. */
export interface CopyViews {
  /** Metadata alone; undefined also while it is not known. */
  copy(place: Pick<NamespacedPlace, 'kind' | 'namespace' | 'name'>): KubernetesObject | undefined;
  /** Namespaces that live and match; empty without a selector, undefined while they are not known. */
  selected(): ReadonlySet<string> | undefined;
  close(): void;
}

export function openCopyViews(o: CopyViewsOptions): CopyViews {
  // A Secret is up to 1 MiB: that it changed is told by its metadata. RBAC allows the watch for this one name.
  const looking = (name: string) => ({ scope: { name, metadataOnly: true }, ...placesToLook(o) });
  const views: Partial<Record<NamespacedPlace['kind'], Informer<KubernetesObject>>> = {
    Secret: createInformer({
      api: o.api,
      resource: 'secrets',
      ...looking(o.secretName),
      onChange: (key, object) => o.onCopy('Secret', namespaceIn(key), object),
      onError: (error) => o.onError('edits of published Secrets', error),
    }),
    ...(o.configMapName === undefined
      ? {}
      : {
          ConfigMap: createInformer({
            api: o.api,
            resource: 'configmaps',
            ...looking(o.configMapName),
            onChange: (key, object) => o.onCopy('ConfigMap', namespaceIn(key), object),
            onError: (error) => o.onError('edits of published ConfigMaps', error),
          }),
        }),
  };
  let selected: ReadonlySet<string> | undefined;
  const namespaces =
    o.namespaceSelector === undefined
      ? undefined
      : createInformer({
          api: o.api,
          resource: 'namespaces',
          scope: { labelSelector: o.namespaceSelector },
          onChange(name) {
            selected = undefined;
            o.onNamespace(name);
          },
          onError: (error) => o.onError('namespaces that match the selector', error),
        });

  return {
    copy: ({ kind, namespace, name }) => views[kind]?.get(`${namespace}/${name}`),
    selected() {
      if (namespaces !== undefined && !namespaces.complete) return undefined;
      // Asked for each of perhaps thousands of namespaces, and the same until one changes.
      selected ??= new Set(
        namespaces
          ?.list()
          .filter(isAlive)
          .map(({ metadata }) => metadata.name),
      );
      return selected;
    },
    close() {
      for (const view of Object.values(views)) view.close();
      namespaces?.close();
    },
  };
}

function isAlive({ metadata, status }: Namespace): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase !== 'Terminating';
}

function placesToLook({ visibleNamespaces }: CopyViewsOptions): { namespaces?: readonly string[] } {
  return visibleNamespaces === undefined ? {} : { namespaces: visibleNamespaces };
}

function namespaceIn(key: string): string {
  return key.split('/')[0] ?? '';
}
