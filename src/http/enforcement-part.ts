/** What the HTTP layer needs of enforcement. */
export interface ClientVerificationWish {
  readonly mode?: 'on' | 'optional' | 'off';
  readonly authority?: string;
  readonly controller?: string;
  readonly passCertificate?: boolean;
  readonly errorPage?: string;
  readonly matchCommonName?: string;
}

export interface EnforcementPart {
  enforce(
    namespace: string,
    name: string,
    wish: ClientVerificationWish,
    how: { readonly dryRun: boolean; readonly requester: string },
  ): Promise<object>;
  state(namespace: string, name: string): Promise<object>;
  undo(
    namespace: string,
    name: string,
    how: { readonly dryRun: boolean; readonly requester: string },
  ): Promise<object>;
  list(): Promise<readonly (object & { readonly namespace: string })[]>;
}
