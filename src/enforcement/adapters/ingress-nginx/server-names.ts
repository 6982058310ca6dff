import type { FaultReason } from '../../../fault.ts';
import type { AdapterInput } from '../../adapter.ts';
import { servedBy } from '../../ingress-class.ts';
import { annotation } from './annotations.ts';
import { mayServe } from './controller.ts';
import { hostsOf } from './hosts.ts';
import { snippetsAreDropped } from './own-annotations.ts';

/** Names of one snippet that a reason shows at most. */
const maxShownNames = 5;

/** Characters of a DNS name (RFC 1035 section 2.3.4); a longer one is no host. */
const maxNameLength = 253;

/**
 * Other Ingresses whose `server-snippet` gives their server a name of ours (nginx takes several `server_name`). An exact
 * name wins over a wildcard, and of two equal ones the first in the file: either answers for our host without our policy.
 */
export function claimedServerNames(input: AdapterInput): FaultReason[] {
  if (snippetsAreDropped(input.controllerConfig)) return [];
  const hosts = hostsOf(input.ingress);
  const exact = new Set(hosts);
  const wildcards = new Set(hosts.filter((host) => host.startsWith('*.')));
  const isOurs = (name: string): boolean =>
    name.length <= maxNameLength &&
    (exact.has(name) || wildcardsAbove(name).some((above) => wildcards.has(above)));
  return input.ingresses.flatMap((other) => {
    const snippet = annotation(other, 'server-snippet');
    if (snippet === undefined || isSame(other, input.ingress)) return [];
    // What shares a host with us is a neighbour: any server_name in its snippets is refused already.
    if (hostsOf(other).some((host) => exact.has(host))) return [];
    if (!mayServe(servedBy(other, input.ingressClasses), input.controllerNamed)) return [];
    const names = serverNamesIn(snippet).filter(isOurs);
    if (names.length === 0) return [];
    const shown = names.slice(0, maxShownNames).join(' ');
    const label = `${other.metadata.namespace}/${other.metadata.name}`;
    return [
      {
        code: 'snippet-interferes',
        detail: `${label} has a server-snippet with "server_name ${shown}": its server answers for this host without this policy.`,
      },
    ];
  });
}

/** The arguments of each `server_name` directive, lower case and without quotes. Linear in the length of the snippet. */
function serverNamesIn(snippet: string): string[] {
  return snippet.split(/[;{}]/).flatMap((statement) => {
    const [directive, ...names] = statement.trim().split(/\s+/);
    if (directive !== 'server_name') return [];
    return names.map((name) => name.replaceAll(/["']/g, '').toLowerCase());
  });
}

/** nginx's `*.x` covers names at any depth below x. */
function wildcardsAbove(name: string): string[] {
  const labels = name.split('.');
  return labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
}

function isSame({ metadata: one }: AdapterInput['ingress'], { metadata: other }: AdapterInput['ingress']) {
  return one.namespace === other.namespace && one.name === other.name;
}
