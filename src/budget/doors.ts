import { Fault } from '../fault.ts';
import type { Ingress, KubernetesApi } from '../kubernetes/client.ts';

/** What has to be known of an enforced Ingress before its copy may lose the CRL. */
export interface EnforcedDoor {
  readonly namespace: string;
  readonly name: string;
  /** With mode `off` nobody is asked for a certificate, so no revocation is to be noticed. */
  readonly asksForCertificates: boolean;
}

export interface DoorsParts {
  readonly api: Pick<KubernetesApi, 'listIngresses'>;
  readonly secretName: string;
  /** Where we may look; everywhere when absent. */
  readonly visibleNamespaces?: readonly string[] | undefined;
  /** Every enforced Ingress, from the database. */
  enforced(): Promise<readonly EnforcedDoor[]>;
  /** Whether the newest probe of an Ingress, as it is recorded now, saw it refuse a revoked certificate that no CRL lists. */
  onlineProven(namespace: string, name: string): Promise<boolean>;
}

/** Whether the copy of a namespace can do without its CRL. */
export interface Proof {
  /** There are Ingresses that read it, and each is proven to ask us. */
  readonly proven: boolean;
  /** Those that are not, as `namespace/name`. */
  readonly unproven: readonly string[];
  /** How many Ingresses read it, as far as can be seen. */
  readonly readers: number;
}

/** Who reads the copies, as of now. */
export interface Doors {
  /** @throws Fault `database-unavailable`, `kubernetes-unavailable` */
  look(): Promise<{ proofOf(namespace: string): Promise<Proof> }>;
}

export function createDoors(parts: DoorsParts): Doors {
  const keyOf = ({ namespace, name }: EnforcedDoor) => `${namespace}/${name}`;
  return {
    async look() {
      const [ingresses, enforced] = await Promise.all([listIngresses(parts), parts.enforced()]);
      const doors = new Map(enforced.map((door) => [keyOf(door), door]));
      const isProven = async (key: string): Promise<boolean> => {
        const door = doors.get(key);
        if (door === undefined) return false;
        return !door.asksForCertificates || (await parts.onlineProven(door.namespace, door.name));
      };
      return {
        async proofOf(namespace) {
          const named = (ingresses ?? [])
            .filter((ingress) => reads(ingress, namespace, parts.secretName))
            .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
          // Enforced, but perhaps not annotated yet.
          const own = enforced.filter((door) => door.namespace === namespace).map(keyOf);
          const readers = [...new Set([...named, ...own])];
          const unproven: string[] = [];
          for (const key of readers) if (!(await isProven(key))) unproven.push(key);
          // Where Ingresses cannot be listed, nobody knows who reads the copy.
          const proven = ingresses !== undefined && readers.length > 0 && unproven.length === 0;
          return { proven, unproven, readers: readers.length };
        },
      };
    },
  };
}

/** Undefined when we may not. */
async function listIngresses({ api, visibleNamespaces }: DoorsParts): Promise<Ingress[] | undefined> {
  try {
    if (visibleNamespaces === undefined) return await api.listIngresses();
    return (await Promise.all(visibleNamespaces.map((each) => api.listIngresses(each)))).flat();
  } catch (error) {
    if (error instanceof Fault && error.code === 'kubernetes-forbidden') return undefined;
    throw error;
  }
}

/** By whatever annotation, of whatever controller; some take the bare name for one in the Ingress's own namespace. */
function reads({ metadata }: Ingress, namespace: string, secretName: string): boolean {
  return Object.entries(metadata.annotations ?? {}).some(
    ([key, value]) =>
      value === `${namespace}/${secretName}` ||
      (metadata.namespace === namespace && value === secretName && key.endsWith('/auth-tls-secret')),
  );
}
