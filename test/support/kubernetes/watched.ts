import type { KubernetesApi, WatchableResources, WatchScope } from '../../../src/kubernetes/client.ts';

/** A watch that a test reads from: what came, and a promise for what is to come. */
export interface Watched {
  /** `list:a,b`, `ADDED:a`, `MODIFIED:a`, `DELETED:a`, `error:<code>` in the order of arrival. */
  readonly seen: string[];
  /** Resolves when the entry has come (counted from the last `until`). The test's own timeout ends a vain wait. */
  until(entry: string): Promise<void>;
  close(): void;
}

export function watchInTest<R extends keyof WatchableResources>(
  api: KubernetesApi,
  resource: R,
  scope: WatchScope,
): Watched {
  const seen: string[] = [];
  const waiting = new Set<() => void>();
  let from = 0;
  const note = (entry: string) => {
    seen.push(entry);
    for (const wake of waiting) wake();
  };
  const watcher = api.watch(resource, scope, {
    onList: (items) => note(`list:${items.map(({ metadata }) => metadata.name).join(',')}`),
    onEvent: (type, { metadata }) => note(`${type}:${metadata.name}`),
    onError: (error) => note(`error:${error instanceof Error && 'code' in error ? error.code : error}`),
  });
  return {
    seen,
    async until(entry) {
      for (;;) {
        const index = seen.indexOf(entry, from);
        if (index >= 0) {
          from = index + 1;
          return;
        }
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
    close: () => watcher.close(),
  };
}
