/** The profile, in the records, of certificates that were issued elsewhere. */
export const importedProfile = 'imported';

/** What no profile of an operator may be called. */
export const reservedProfiles: ReadonlySet<string> = new Set([importedProfile]);
