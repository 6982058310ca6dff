import type { FaultReason } from '../../../fault.ts';
import type { Ingress } from '../../../kubernetes/objects.ts';
import { annotation } from './annotations.ts';

/** The hosts of an Ingress's rules: lower case, each once, in order. */
export function hostsOf(ingress: Ingress): string[] {
  const hosts = (ingress.spec?.rules ?? []).map((rule) => rule.host?.toLowerCase() ?? '');
  return [...new Set(hosts.filter((host) => host !== ''))];
}

/**
 * The names of `server-alias`, lower case: they stand in the server_name of each host of the Ingress, so an exact one wins
 * over another Ingress's wildcard. (An alias that is a host of some Ingress is dropped by the controller.)
 */
export function aliasesOf(ingress: Ingress): string[] {
  const names = (annotation(ingress, 'server-alias') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  return [...new Set(names.filter((name) => name !== ''))];
}

/** True when `pattern` is that host or the wildcard just above it; `*.a.example` covers `b.a.example` and no deeper. */
export function covers(pattern: string, host: string): boolean {
  const lower = pattern.toLowerCase();
  if (lower === host) return true;
  return lower.startsWith('*.') && !host.startsWith('*.') && host.slice(host.indexOf('.')) === lower.slice(1);
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
  const tlsHosts = (ingress.spec?.tls ?? []).flatMap((tls) => tls.hosts ?? []);
  for (const host of hostsOf(ingress)) {
    if (!tlsHosts.some((pattern) => covers(pattern, host))) {
      reasons.push({ code: 'tls-missing', detail: `spec.tls names no certificate for ${host}.` });
    }
    // The controller passes over a rule without http before it looks at auth-tls (controller.go, getBackendServers).
    if (!rules.some((rule) => rule.host?.toLowerCase() === host && rule.http !== undefined)) {
      reasons.push({
        code: 'rule-without-paths',
        detail: `The rule of ${host} has no paths, so it is passed over.`,
      });
    }
  }
  return reasons;
}
