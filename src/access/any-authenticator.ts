import type { Authenticator } from './authenticator.ts';

/** Whoever of them knows the token first. Each refuses what does not have the form of its tokens at no cost. */
export function anyOf(
  authenticators: readonly Pick<Authenticator, 'authenticate'>[],
): Pick<Authenticator, 'authenticate'> {
  return {
    async authenticate(token) {
      for (const one of authenticators) {
        const caller = await one.authenticate(token);
        if (caller !== undefined) return caller;
      }
      return undefined;
    },
  };
}
