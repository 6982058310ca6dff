import type { FaultReason } from '../../../fault.ts';
import type { Ingress } from '../../../kubernetes/objects.ts';
import { maxHosts } from './limits.ts';

const known = new WeakMap<Ingress, readonly string[]>();

/** The hosts of an Ingress's rules: lower case, each once, in order. Read once of each object, which never changes. */
export function hostsOf(ingress: Ingress): readonly string[] {
  const found = known.get(ingress);
  if (found !== undefined) return found;
  const hosts = (ingress.spec?.rules ?? []).map((rule) => rule.host?.toLowerCase() ?? '');
  const distinct = [...new Set(hosts.filter((host) => host !== ''))];
  known.set(ingress, distinct);
  return distinct;
}

/** What the wildcard just above a host has behind its asterisk: `.a.example` of `b.a.example`; undefined of a wildcard. */
export function parentOf(host: string): string | undefined {
  const dot = host.indexOf('.');
  return dot === -1 || host.startsWith('*.') ? undefined : host.slice(dot);
}

/** True when `pattern` is that host or the wildcard just above it; `*.a.example` covers `b.a.example` and no deeper. */
export function covers(pattern: string, host: string): boolean {
  return coveredBy([pattern])(host);
}

/** The same for many patterns and many hosts, each of which is looked up once. */
function coveredBy(patterns: Iterable<string>): (host: string) => boolean {
  const all = new Set<string>();
  for (const pattern of patterns) all.add(pattern.toLowerCase());
  return (host) => {
    const parent = parentOf(host);
    return all.has(host) || (parent !== undefined && all.has(`*${parent}`));
  };
}

/** Reasons that lie in the rules and `spec.tls` of the Ingress itself. */
export function checkHosts(ingress: Ingress): FaultReason[] {
  const rules = ingress.spec?.rules ?? [];
  if (rules.length === 0) {
    return [
      { code: 'no-host', detail: 'The Ingress has no rule with a host: it is the default for every host.' },
    ];
  }
  const reasons: FaultReason[] = [];
  if (rules.some((rule) => (rule.host ?? '') === '')) {
    const detail =
      'A rule has no host: it belongs to the default server, which all clients without a known host name share.';
    reasons.push({ code: 'catch-all-host', detail });
  }
  const hosts = hostsOf(ingress);
  if (hosts.length > maxHosts) {
    const detail = `The Ingress has ${hosts.length} hosts; at most ${maxHosts} of one Ingress can be enforced. Split it.`;
    return [...reasons, { code: 'too-many-hosts', detail }];
  }
  return [...reasons, ...hosts.flatMap(hostCheck(ingress))];
}

function hostCheck({ spec }: Ingress): (host: string) => FaultReason[] {
  const hasCertificate = coveredBy((spec?.tls ?? []).flatMap((tls) => tls.hosts ?? []));
  const withPaths = new Set(
    (spec?.rules ?? []).filter((rule) => rule.http !== undefined).map((rule) => rule.host?.toLowerCase()),
  );
  return (host) => [
    ...(hasCertificate(host)
      ? []
      : [{ code: 'tls-missing', detail: `spec.tls names no certificate for ${host}.` }]),
    // The controller passes over a rule without http before it looks at auth-tls (controller.go, getBackendServers).
    ...(withPaths.has(host)
      ? []
      : [
          {
            code: 'rule-without-paths',
            detail: `The rule of ${host} has no paths, so it is passed over.`,
          },
        ]),
  ];
}
