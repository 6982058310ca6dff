import type { KnownRevocation } from '../revocation/revocation-index.ts';

/** An answer about one certificate, signed, for everybody who asks without a nonce. */
export interface MadeResponse {
  readonly der: Buffer;
  /** Lower-case hex of the SHA-256 of `der`. */
  readonly sha256: string;
  readonly serial: string;
  /** What it says; undefined: good. */
  readonly revocation: KnownRevocation | undefined;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Milliseconds since 1970: from then on, whoever asks has another one made for those who come later. */
  readonly renewAt: number;
}

/** A Map that forgets what was not asked for the longest once its answers take more than `mostOctets`. */
export interface ResponseCache {
  get(key: string): MadeResponse | undefined;
  set(key: string, response: MadeResponse): void;
  delete(key: string): void;
  readonly size: number;
}

/** What an entry costs beside its octets, by measurement. */
const entryOctets = 600;

export function createResponseCache(mostOctets: number): ResponseCache {
  const entries = new Map<string, MadeResponse>();
  let octets = 0;

  function remove(key: string): void {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    octets -= costOf(key, entry);
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry;
    },
    set(key, response) {
      remove(key);
      entries.set(key, response);
      octets += costOf(key, response);
      for (const oldest of entries.keys()) {
        if (octets <= mostOctets) return;
        remove(oldest);
      }
    },
    delete: remove,
    get size() {
      return entries.size;
    },
  };
}

function costOf(key: string, { der }: MadeResponse): number {
  return key.length + der.length + entryOctets;
}
