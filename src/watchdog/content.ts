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

/** What this process serves itself: only it tells of that. */
export const ownPrefix = 'self:';

/** A place where the CRL or the CA certificates are published. It is the same object in each round that looks at it. */
export interface WatchedPlace {
  /** As in `SeenPlace`, or `self:<path>` of what this process serves (`ownPrefix`). */
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

/** What this process serves. */
export interface ServedHere {
  /** Without a CRL at each of these it is of no use. */
  readonly needed: readonly WatchedPlace[];
  /** What the next round looks at beside them. */
  turn(): readonly WatchedPlace[];
}
