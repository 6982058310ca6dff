import type { Ingress } from '../kubernetes/objects.ts';

/** Which Ingresses have a host: policy is per host, so what happens to one of them concerns the others. */
export interface HostIndex {
  /** Takes the present state of one Ingress in, and returns all keys that shared a host with it before or share one now. */
  update(key: string, ingress: Ingress | undefined): ReadonlySet<string>;
}

export function createHostIndex(): HostIndex {
  const keysOf = new Map<string, Set<string>>();
  const hostsOf = new Map<string, ReadonlySet<string>>();

  function remove(key: string): void {
    for (const host of hostsOf.get(key) ?? []) {
      const keys = keysOf.get(host);
      keys?.delete(key);
      if (keys?.size === 0) keysOf.delete(host);
    }
    hostsOf.delete(key);
  }

  function add(key: string, hosts: ReadonlySet<string>): void {
    if (hosts.size > 0) hostsOf.set(key, hosts);
    for (const host of hosts) keysOf.set(host, (keysOf.get(host) ?? new Set()).add(key));
  }

  return {
    update(key, ingress) {
      const hosts = new Set(rulesOf(ingress).flatMap(({ host }) => (host === undefined ? [] : [host])));
      const touched = new Set([...(hostsOf.get(key) ?? []), ...hosts]);
      remove(key);
      add(key, hosts);
      const concerned = new Set([key]);
      for (const host of touched) for (const each of keysOf.get(host) ?? []) concerned.add(each);
      return concerned;
    },
  };
}

function rulesOf(ingress: Ingress | undefined) {
  return ingress?.spec?.rules ?? [];
}
