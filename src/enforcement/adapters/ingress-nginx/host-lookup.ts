import type { Ingress } from '../../../kubernetes/objects.ts';
import { hostsOf, parentOf } from './hosts.ts';
import { type ServerName, serverNamesOf } from './server-names.ts';

/** One host of one Ingress; `position` is that of the Ingress in the list. */
export interface HostUse {
  readonly host: string;
  readonly ingress: Ingress;
  readonly position: number;
}

/** A name beside its hosts that one Ingress gives its server. */
export interface NameUse {
  readonly name: ServerName;
  readonly ingress: Ingress;
}

/** The hosts of all Ingresses, so that each question costs its answer and not the cluster. */
export interface HostLookup {
  /** Who has exactly this host, a wildcard by its text. */
  exactly(host: string): readonly HostUse[];
  /** Hosts that the wildcard covers and that have a server of their own. */
  below(wildcard: string): readonly HostUse[];
  /** Names beside hosts that are exactly this host, in whatever case. */
  namesExactly(host: string): readonly NameUse[];
  /** Exact names beside hosts that end as the wildcard does, at whatever depth. */
  namesBelow(wildcard: string): readonly NameUse[];
  /** Patterns that may stand for every host that the wildcard covers. */
  patternsOver(wildcard: string): readonly NameUse[];
}

const known = new WeakMap<readonly Ingress[], HostLookup>();

/** Made once for a list, however many Ingresses are judged by it. */
export function hostLookup(ingresses: readonly Ingress[]): HostLookup {
  const lookup = known.get(ingresses) ?? createHostLookup(ingresses);
  known.set(ingresses, lookup);
  return lookup;
}

function createHostLookup(ingresses: readonly Ingress[]): HostLookup {
  const hosts = new Groups<HostUse>();
  const belowParent = new Groups<HostUse>();
  for (const [position, ingress] of ingresses.entries()) {
    for (const host of hostsOf(ingress)) {
      const use = { host, ingress, position };
      hosts.add(host, use);
      belowParent.add(parentOf(host), use);
    }
  }
  const names = groupNames(ingresses, hosts.keys());
  return {
    exactly: (host) => hosts.get(host),
    below: (wildcard) => belowParent.get(wildcard.slice(1)),
    namesExactly: (host) => names.exact.get(host),
    namesBelow: (wildcard) => names.below.get(wildcard.slice(1)),
    patternsOver: (wildcard) => suffixesOf(wildcard.slice(1)).flatMap((suffix) => names.patterns.get(suffix)),
  };
}

function groupNames(ingresses: readonly Ingress[], hosts: Iterable<string>) {
  const wildcards = [...hosts].filter((host) => host.startsWith('*.'));
  const parents = new Set(wildcards.map((host) => host.slice(1)));
  // So that a name of a hundred labels is not cut a hundred times.
  const lengths = new Set([...parents].map(({ length }) => length));
  const exact = new Groups<NameUse>();
  const below = new Groups<NameUse>();
  const patterns = new Groups<NameUse>();
  for (const ingress of ingresses) {
    for (const name of serverNamesOf(ingress)) {
      const use = { name, ingress };
      exact.add(name.exact, use);
      for (const parent of parentsOf(name.exact ?? '', lengths))
        if (parents.has(parent)) below.add(parent, use);
      // Thousands of patterns of one Ingress that end alike are one obstacle.
      if (name.suffix !== undefined && patterns.get(name.suffix).at(-1)?.ingress !== ingress)
        patterns.add(name.suffix, use);
    }
  }
  return { exact, below, patterns };
}

/** What stands behind each label, of these lengths. */
function* parentsOf(name: string, lengths: ReadonlySet<number>): Iterable<string> {
  for (const length of lengths)
    if (name.at(-length) === '.' && name.length > length) yield name.slice(-length);
}

/** `.b.example`, `.example` and '' of `.b.example`. */
function suffixesOf(suffix: string): string[] {
  const suffixes = [''];
  for (let dot = suffix.lastIndexOf('.'); dot !== -1; dot = dot === 0 ? -1 : suffix.lastIndexOf('.', dot - 1))
    suffixes.push(suffix.slice(dot));
  return suffixes;
}

class Groups<Use> {
  readonly #groups = new Map<string, Use[]>();

  add(key: string | undefined, use: Use): void {
    if (key === undefined) return;
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, [use]);
    else group.push(use);
  }

  keys(): Iterable<string> {
    return this.#groups.keys();
  }

  get(key: string): readonly Use[] {
    return this.#groups.get(key) ?? [];
  }
}
