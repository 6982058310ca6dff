import type { ObjectReference } from '../kubernetes/client.ts';
import type { CrlReading } from './read-crl.ts';

/** What lies at a place. */
export type Content =
  | { readonly kind: 'content'; readonly crls: readonly CrlReading[] }
  | { readonly kind: 'missing' | 'broken'; readonly detail: string }
  /** Nothing is there, and nothing has to be: nobody wants it any more. */
  | { readonly kind: 'gone' };

/** What should lie there. */
export interface Wanted {
  /** The authorities whose CRL has to be there; of others it may be. */
  readonly crlsOf: readonly string[];
  /** False where no CRL may be: it would not be kept current. */
  readonly mayHaveCrls: boolean;
}

/** A place where the CRL or the CA certificates are published. It is the same object in each round. */
export interface WatchedPlace {
  /** As in `SeenPlace`, or `self:<path>` of what this process serves. */
  readonly id: string;
  /** How long what is published may be on its way. */
  readonly graceSeconds: number;
  /** As decided when the places were listed. */
  wanted(): Wanted;
  /**
   * Reads it. What is known to be the same octets is not read again.
   * @param over nobody waits for the answer any more
   * @throws what kept us from reading it
   */
  look(over: AbortSignal): Promise<Content>;
  /** It was not well: the next look reads it whole, whatever else says that it is the same. */
  doubt(): void;
  /** The object in the cluster that it is, for Events. */
  readonly object?: ObjectReference;
}
