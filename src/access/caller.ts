/** What a token may be for. The table of what each may do is in `permissions.ts`. */
export const roles = ['admin', 'issuer', 'revoker', 'enforcer', 'reader'] as const;

export type Role = (typeof roles)[number];

/** Stands for every profile or every namespace in a grant. */
export const everything = '*';

/**
 * A role and its limits. `issuer` may use only the profiles listed and `enforcer` only the namespaces listed; a list
 * that is absent allows none, `*` allows all. The other roles have no limits.
 */
export interface Grant {
  readonly role: Role;
  readonly profiles?: readonly string[];
  readonly namespaces?: readonly string[];
}

/** Who is calling, once the credential was checked. */
export interface Caller {
  /** `token:<id>`, `admin-token` or `serviceaccount:<namespace>:<name>`; recorded as the requester of what the caller does. */
  readonly id: string;
  readonly name: string;
  readonly grants: readonly Grant[];
}
