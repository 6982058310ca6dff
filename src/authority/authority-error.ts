/** The authority cannot be set up. The message is one line for the operator and stops the start. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
}
