import type { ClientVerification, VerificationWish } from './verification.ts';

export interface EnforceOptions {
  /** Check everything and let the API server's admission speak, but write nothing. Default: false. */
  readonly dryRun?: boolean;
  /** Who asks (`token:<id>`), for the record. */
  readonly requester: string;
}

/** Makes Ingresses verify client certificates, and takes it back. */
export interface EnforcementService {
  /**
   * Makes one Ingress verify its clients as wished; repeating it repairs drift and changes nothing otherwise.
   * @throws Fault `ingress-not-found`, `namespace-not-found`, `authority-not-found`, `ingress-unsafe` (with every reason),
   * `publication-refused`, `conflict`, `kubernetes-unavailable`, `kubernetes-forbidden`, `database-unavailable`.
   * The Ingress is then as it was.
   */
  enforce(
    namespace: string,
    name: string,
    wish: VerificationWish,
    options: EnforceOptions,
  ): Promise<ClientVerification>;
  /** @throws Fault `client-verification-not-found`, `kubernetes-unavailable`, `kubernetes-forbidden` */
  state(namespace: string, name: string): Promise<ClientVerification>;
  /**
   * Restores what stood before in one write and forgets the Ingress. An annotation that somebody changed after us is
   * left as it is and reported (`annotation-changed-since`).
   * @throws Fault `client-verification-not-found`, `conflict`, `kubernetes-unavailable`, `kubernetes-forbidden`
   */
  undo(
    namespace: string,
    name: string,
    options: Pick<EnforceOptions, 'requester'>,
  ): Promise<ClientVerification>;
  /** Every enforced Ingress and its state, by namespace and name. */
  list(): Promise<readonly ClientVerification[]>;
}
