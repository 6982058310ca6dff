import type { Grant } from './caller.ts';

/** The member of a grant that bounds each of the roles with bounds. */
const limits = { issuer: 'profiles', enforcer: 'namespaces' } as const;

export interface LimitFault {
  readonly member: 'profiles' | 'namespaces';
  readonly detail: string;
}

/** A limited role without its limits would allow nothing, and limits on another role would mislead: both are faults. */
export function limitFaultOf(grant: Grant): LimitFault | undefined {
  for (const [role, member] of Object.entries(limits)) {
    const given = grant[member] !== undefined;
    if (given === (grant.role === role)) continue;
    const detail = given
      ? `Only the role ${role} has ${member}.`
      : `The role ${role} needs ${member}; ["*"] is all of them.`;
    return { member, detail };
  }
  return undefined;
}
