/** Where a CA's private key is kept at rest, as PEM (encrypted when a passphrase is configured). */
export interface KeyStore {
  /** For messages: "file /data/keys/internal-ca.key", "Secret ca-system/internal-ca-key". */
  readonly location: string;
  /** The kept PEM, or undefined when there is none. */
  load(name: string): Promise<string | undefined>;
  /**
   * Keeps `pem` durably unless a key of that name is there already, so that of several processes that start at
   * once one wins. @returns the PEM that is now kept: ours or the winner's.
   */
  createIfAbsent(name: string, pem: string): Promise<string>;
}
