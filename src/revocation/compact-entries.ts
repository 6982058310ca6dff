import { withoutExtensions } from '../x509/crl-walk.ts';
import { pemLength } from './pem-in-steps.ts';

/** What Kubernetes lets a Secret hold. */
const secretOctets = 1024 * 1024;
/** What stands around the entries in a CRL: far less. */
const frameOctets = 4 * 1024;

/**
 * Collects the entries without their reason codes, for a Secret in which the complete CRL takes more than half of the room. It
 * gives up where even they would not fit: a list that is not whole is none.
 */
export class CompactEntries {
  #octets = 0;
  #complete = 0;
  #entries: Buffer[] | undefined = [];

  /** @param chunk whole entries */
  add(chunk: Buffer): void {
    this.#complete += chunk.length;
    if (this.#entries === undefined) return;
    const bare = withoutExtensions(chunk);
    this.#octets += bare.length;
    if (pemLength('X509 CRL', this.#octets + frameOctets) > secretOctets) this.#entries = undefined;
    else this.#entries.push(bare);
  }

  get entries(): readonly Buffer[] {
    return this.#entries ?? [];
  }

  isWorthIt(): boolean {
    if (this.#entries === undefined || this.#octets === this.#complete) return false;
    return pemLength('X509 CRL', this.#complete) > secretOctets / 2;
  }
}
