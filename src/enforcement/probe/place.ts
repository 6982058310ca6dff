import { lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { FaultReason } from '../../fault.ts';
import type { Ingress, IngressPath } from '../../kubernetes/objects.ts';
import { isAcmePath } from '../adapters/ingress-nginx/acme-challenge.ts';
import { probeName } from './probe-name.ts';

/** Where the door is. */
export interface ProbeAddress {
  readonly host: string;
  readonly lookup?: LookupFunction;
}

/** One host of the Ingress, and how to ask for it. */
export interface HostTarget {
  readonly host: string;
  readonly serverName: string;
  readonly path: string;
  /** False when the Ingress has a pattern there, of which only the beginning can be asked for. */
  readonly pathIsWhole: boolean;
}

/**
 * The configured address, else the one that the controller wrote into the status. That one may have been written by
 * others, so it must not lead to this machine or to the cloud's metadata.
 */
export function addressOf(configured: string | undefined, ingress: Ingress): ProbeAddress | FaultReason {
  if (configured !== undefined) return { host: configured };
  const [entry] = ingress.status?.loadBalancer?.ingress ?? [];
  const host = entry?.ip ?? entry?.hostname ?? '';
  if (host === '') {
    const detail =
      "No address is known: the Ingress's status has none and ENFORCEMENT_PROBE_ADDRESS is not set.";
    return { code: 'no-address', detail };
  }
  if (host.toLowerCase() === 'localhost' || (isIP(host) !== 0 && isLocal(host))) {
    const detail = `The Ingress's status says ${host}, which is not the door seen from here: set ENFORCEMENT_PROBE_ADDRESS.`;
    return { code: 'address-local', detail };
  }
  return { host, lookup: lookupElsewhere };
}

/** How each of `hosts` is asked for, by the first path that the Ingress has for it. */
export function targetsOf(hosts: readonly string[], ingress: Ingress): HostTarget[] {
  const paths = firstPaths(ingress);
  return hosts.map((host) => {
    const first = paths.get(host);
    const whole = first?.path ?? '/';
    const path = first?.pathType === 'ImplementationSpecific' ? literalStart(whole) : whole;
    return {
      host,
      serverName: host.replace(/^\*(?=\.)/, probeName),
      path: encodePath(path),
      pathIsWhole: path === whole,
    };
  });
}

/** By host in lower case; ACME challenges are for everybody. */
function firstPaths({ spec }: Ingress): ReadonlyMap<string, IngressPath> {
  const paths = new Map<string, IngressPath>();
  for (const { host, http } of spec?.rules ?? []) {
    const key = host?.toLowerCase() ?? '';
    const first = paths.has(key) ? undefined : http?.paths.find(({ path }) => !isAcme(path));
    if (first !== undefined) paths.set(key, first);
  }
  return paths;
}

function isAcme(path: string | undefined): boolean {
  return path !== undefined && isAcmePath(path);
}

/** Of a regular expression, what comes before the first sign of one. */
function literalStart(pattern: string): string {
  const [start = ''] = pattern.split(/[\\^$*+?()[\]{}|]/);
  return start.startsWith('/') ? start : '/';
}

/** What must not stand in a request line as it is (RFC 3986); above all no line break. */
function encodePath(path: string): string {
  return encodeURI(path)
    .replace(/%25(?=[0-9A-Fa-f]{2})/g, '%')
    .replace(/[?#]/g, encodeURIComponent);
}

const local = new BlockList();
local.addSubnet('0.0.0.0', 8);
local.addSubnet('127.0.0.0', 8);
local.addSubnet('169.254.0.0', 16);
local.addAddress('::', 'ipv6');
local.addAddress('::1', 'ipv6');
local.addSubnet('fe80::', 10, 'ipv6');

function isLocal(address: string): boolean {
  return local.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** The resolver of the system, without what is local: a name can lead there, too. */
const lookupElsewhere: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, found) => {
    if (error !== null) return callback(error, []);
    const usable = found.filter(({ address }) => !isLocal(address));
    const [first] = usable;
    if (first === undefined) {
      const none = Object.assign(new Error(`${hostname} leads nowhere but here`), { code: 'ENOTFOUND' });
      return callback(none, []);
    }
    if (options.all === true) callback(null, usable);
    else callback(null, first.address, first.family);
  });
};
