import type { FaultReason } from '../../../fault.ts';
import type { AdapterInput } from '../../adapter.ts';
import { type HostLookup, hostLookup, type NameUse } from './host-lookup.ts';
import { hostsOf, parentOf } from './hosts.ts';
import { isSame, isServedAlike, labelOf } from './neighbours.ts';
import { describeName, serverNamesOfController } from './server-names.ts';
import { snippetsAreDropped } from './snippets.ts';

/**
 * Servers of other Ingresses that answer for our hosts without having them in their rules, by `server-alias` or by a `server_name`
 * in a `server-snippet`. An exact name beats a wildcard, of two equal ones the first in the file answers, and the controller writes
 * wildcards as regular expressions, which every other form beats (buildServerName; nginx, "Server names").
 */
export function checkOtherListeners(input: AdapterInput): FaultReason[] {
  const lookup = hostLookup(input.ingresses);
  const ours = new Set(hostsOf(input.ingress));
  const others = [...ours].flatMap((host) =>
    namesOver(host, lookup)
      .filter(({ name }) => !isDropped(name, ours))
      .filter((use) => isInForce(use, input))
      .map((use) => taken(host, use)),
  );
  return [...others, ...serversOfController(ours, input)];
}

/** Servers in the controller's own `http-snippet` stand before all others in the file, so of two equal names theirs answers. */
function serversOfController(ours: ReadonlySet<string>, { controllerConfig }: AdapterInput): FaultReason[] {
  return serverNamesOfController(controllerConfig)
    .filter(({ exact, suffix }) => (exact !== undefined && ours.has(exact)) || endsAny(ours, suffix))
    .map((name) => ({
      code: 'snippet-interferes',
      detail: `A server in the controller's ConfigMap answers for a host of this Ingress, too (${describeName(name)}).`,
    }));
}

function endsAny(hosts: ReadonlySet<string>, suffix: string | undefined): boolean {
  return suffix !== undefined && [...hosts].some((host) => host.endsWith(suffix));
}

/** Exact aliases below a wildcard, which are served with another policy, as the hosts of rules there are. */
export function aliasesBelow(input: AdapterInput): FaultReason[] {
  const lookup = hostLookup(input.ingresses);
  const wildcards = hostsOf(input.ingress).filter((host) => host.startsWith('*.'));
  return wildcards.flatMap((host) =>
    lookup
      .namesBelow(host)
      .filter(({ name }) => isPlainAlias(name) && parentOf(name.exact ?? '') === host.slice(1))
      .filter((use) => isInForce(use, input))
      .map(({ name, ingress }) => ({
        code: 'wildcard-not-covering',
        detail: `${labelOf(ingress)} answers for ${name.exact} (${describeName(name)}) with its own policy, not with that of ${host}.`,
      })),
  );
}

function namesOver(host: string, lookup: HostLookup): readonly NameUse[] {
  if (!host.startsWith('*.')) return lookup.namesExactly(host);
  return [...lookup.patternsOver(host), ...lookup.namesBelow(host).filter(({ name }) => !isPlainAlias(name))];
}

/** An alias for one host is a server as one of a rule is; a `server_name` in a snippet is no part of what the controller knows. */
function isPlainAlias({ from, suffix }: NameUse['name']): boolean {
  return from === 'server-alias' && suffix === undefined;
}

/** An alias that is a host of rules is passed over, but only where it is the same to the letter (controller.go, createServers). */
function isDropped({ text, from }: NameUse['name'], hosts: ReadonlySet<string>): boolean {
  return from === 'server-alias' && hosts.has(text);
}

function isInForce({ name, ingress }: NameUse, input: AdapterInput): boolean {
  if (isSame(ingress, input.ingress) || !isServedAlike(ingress, input)) return false;
  return name.from === 'server-alias' || !snippetsAreDropped(input.controllerConfig);
}

function taken(host: string, { name, ingress }: NameUse): FaultReason {
  const detail = `The server of ${labelOf(ingress)} answers for ${host}, too, without this policy (${describeName(name)}).`;
  return name.from === 'server-alias'
    ? { code: 'host-taken-by-alias', detail }
    : { code: 'snippet-interferes', detail };
}
