import { createHash } from 'node:crypto';
import type { Authority, AuthorityRegistry } from '../authority/authority.ts';
import { publicLocations } from '../authority/public-locations.ts';
import { Fault } from '../fault.ts';
import { createOneAtATime } from '../one-at-a-time.ts';
import { maxShards } from '../x509/crl-shard.ts';
import type { CrlFiles, CurrentCrl } from './crl-files.ts';
import { type CrlShardIndex, indexCrl } from './crl-shard-index.ts';
import { signCrl } from './sign-crl.ts';

/** A part of a CRL, with the number and the times of the whole. */
export interface CrlShard extends Pick<CurrentCrl, 'number' | 'thisUpdate' | 'nextUpdate'> {
  readonly der: Buffer;
  /**
   * The same wherever this part of this CRL is made. The octets are not: each replica signs for itself, and an ECDSA signature is
   * never the same twice.
   */
  readonly version: string;
}

export interface CrlShards {
  /**
   * Part `index` of `count`, of the CRL in force. Every power of two up to `maxShards` is there, whatever is configured now:
   * certificates name the part of their day.
   * @throws Fault authority-not-found; crl-not-offered where there is no such part; database-unavailable, key-unavailable
   */
  current(authority: string, count: number, index: number): Promise<CrlShard>;
}

export interface CrlShardsParts {
  readonly crls: Pick<CrlFiles, 'current'>;
  readonly authorities: Pick<AuthorityRegistry, 'get'>;
  readonly publicUrl: string;
  /** How many octets of parts are kept; the ones not asked for longest go first. */
  readonly keptOctets?: number;
}

/** What was made of the CRL in force of one authority. */
interface Divided {
  readonly crl: CurrentCrl;
  readonly index: Promise<CrlShardIndex>;
  /** By count and index; the one asked for last is the last. */
  readonly shards: Map<string, Kept>;
}

interface Kept {
  readonly made: Promise<CrlShard>;
  /** 0 until it is made. */
  octets: number;
}

/** A CRL of 1,000,000 entries has 40 MB, and nobody divides such a one in two. */
const defaultKeptOctets = 64 * 1024 * 1024;

/**
 * Divides the complete CRL that this replica holds anyway, when somebody asks: no other replica and no database takes part, and
 * a part can never say other than the whole. One part at a time is made.
 */
export function createCrlShards(parts: CrlShardsParts): CrlShards {
  const { crls, authorities, publicUrl, keptOctets = defaultKeptOctets } = parts;
  const divided = new Map<string, Divided>();
  const oneAtATime = createOneAtATime();

  function dividedOf(authority: string, crl: CurrentCrl): Divided {
    const known = divided.get(authority);
    if (known?.crl === crl) return known;
    const index = oneAtATime(() => indexCrl(crl.der, crl.entryCount));
    const fresh: Divided = { crl, index, shards: new Map() };
    divided.set(authority, fresh);
    index.catch(() => {
      if (divided.get(authority) === fresh) divided.delete(authority);
    });
    return fresh;
  }

  async function make(authority: Authority, from: Divided, count: number, index: number): Promise<CrlShard> {
    const entries = await (await from.index).entriesOf(count, index);
    const url = publicLocations(publicUrl, authority.name).shard(count, index);
    const { number, thisUpdate, nextUpdate, sha256 } = from.crl;
    const version = createHash('sha256').update(`${sha256} ${url}`).digest('hex');
    const head = { number, thisUpdate, nextUpdate };
    const chunks = await signCrl(authority, head, [entries], { distributionPoint: url });
    return { der: Buffer.concat(chunks), version, ...head };
  }

  function keep(from: Divided, key: string, made: Promise<CrlShard>): void {
    const kept = { made, octets: 0 };
    from.shards.set(key, kept);
    made.then(
      ({ der }) => {
        kept.octets = der.length;
        forgetOldest(from.shards, keptOctets);
      },
      () => from.shards.delete(key),
    );
  }

  return {
    async current(name, count, index) {
      const crl = await crls.current(name);
      if (count > maxShards || (count & (count - 1)) !== 0 || count < 2 || index >= count) {
        throw new Fault('crl-not-offered', `There is no part ${index} of ${count}`);
      }
      const from = dividedOf(name, crl);
      const key = `${count}/${index}`;
      const known = from.shards.get(key);
      if (known !== undefined) {
        from.shards.delete(key);
        from.shards.set(key, known);
        return await known.made;
      }
      const made = oneAtATime(() => make(authorities.get(name), from, count, index));
      keep(from, key, made);
      return await made;
    },
  };
}

/** What was not asked for longest goes, until the rest is little enough. */
function forgetOldest(shards: Map<string, Kept>, keptOctets: number): void {
  let total = 0;
  for (const [key, { octets }] of [...shards].reverse()) {
    total += octets;
    if (octets > 0 && total > keptOctets) shards.delete(key);
  }
}
