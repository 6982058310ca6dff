import { Fault } from '../fault.ts';
import { type Caller, everything, type Grant, type Role } from './caller.ts';

/**
 * Every permission and the roles that have it. There is no other rule but the limits of a grant: `certificates:issue`
 * holds for the profiles of an issuer, `client-verifications:*` and `publications:read` for the namespaces of an enforcer.
 *
 * An issuer reads what it issued itself (`certificates:read-own`) and nothing else; a revoker reads every certificate,
 * since it has to find the one to revoke. Authorities and profiles are open to whoever has any token.
 */
export const permissionTable = {
  'certificates:issue': ['admin', 'issuer'],
  'certificates:read-own': ['admin', 'issuer', 'revoker', 'reader'],
  'certificates:read': ['admin', 'revoker', 'reader'],
  'certificates:revoke': ['admin', 'revoker'],
  'certificates:import': ['admin'],
  'authorities:read': ['admin', 'issuer', 'revoker', 'enforcer', 'reader'],
  'profiles:read': ['admin', 'issuer', 'revoker', 'enforcer', 'reader'],
  'client-verifications:read': ['admin', 'enforcer', 'reader'],
  'client-verifications:write': ['admin', 'enforcer'],
  'publications:read': ['admin', 'enforcer', 'reader'],
  'metrics:read': ['admin', 'reader'],
  'tokens:manage': ['admin'],
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof permissionTable;

/** What a permission is asked for, where grants can be limited. */
export interface Target {
  readonly profile?: string;
  readonly namespace?: string;
}

/** The refusal of a known caller; the problem document names what is missing. */
export class PermissionFault extends Fault {
  readonly permission: Permission;

  constructor(permission: Permission, target: Target = {}) {
    super('forbidden', `This needs the permission ${permission}${formatTarget(target)}.`);
    this.permission = permission;
  }
}

/** Whether `caller` may do this; without a target: whether it may do it to anything at all. */
export function permits(caller: Caller, permission: Permission, target: Target = {}): boolean {
  const allowed: readonly Role[] = permissionTable[permission];
  return caller.grants.some((grant) => allowed.includes(grant.role) && covers(grant, target));
}

/** @throws PermissionFault (`forbidden`) naming the permission that is missing */
export function authorise(caller: Caller, permission: Permission, target: Target = {}): void {
  if (!permits(caller, permission, target)) throw new PermissionFault(permission, target);
}

function covers(grant: Grant, target: Target): boolean {
  if (grant.role === 'issuer' && target.profile !== undefined) return lists(grant.profiles, target.profile);
  if (grant.role === 'enforcer' && target.namespace !== undefined)
    return lists(grant.namespaces, target.namespace);
  return true;
}

function lists(names: readonly string[] | undefined, name: string): boolean {
  return names !== undefined && (names.includes(everything) || names.includes(name));
}

function formatTarget(target: Target): string {
  if (target.profile !== undefined) return ` for the profile ${target.profile}`;
  if (target.namespace !== undefined) return ` in the namespace ${target.namespace}`;
  return '';
}
