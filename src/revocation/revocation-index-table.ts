import { randomInt } from 'node:crypto';

/** One revocation, as the table keeps it. Times in whole seconds since 1970, from 0 to 2^32 - 1. */
export interface TableEntry {
  readonly reasonCode: number;
  readonly revokedAt: number;
  readonly notAfter: number;
}

/**
 * An entry takes 33 octets: the key is the serial's length (0: the place is free), the authority's number in two octets, the
 * reason's code, and the serial in at most 21; the times have arrays of their own.
 */
const keyOctets = 25;
const lengthAt = 0;
const authorityAt = 1;
const reasonAt = 3;
const serialAt = 4;
const longestSerial = 21;
const mostAuthorities = 0xffff;

/** So that no growing moves more than a few thousand of a million entries: that takes about half a millisecond. */
const segmentBits = 9;
const segmentCount = 2 ** segmentBits;
const homeMask = 2 ** (32 - segmentBits) - 1;
const smallestCapacity = 16;
/** Above this part of the places a segment grows. */
const fullest = 0.8;
const growth = 1.5;

/** Nothing in memory but typed arrays: a million entries are no work for the garbage collector, and 40 to 65 MB. */
export interface RevocationTable {
  readonly size: number;
  /** @param serial lower-case hex; what is none is not there */
  get(authority: string, serial: string): TableEntry | undefined;
  /** @param serial 1 to 21 octets, anywhere in `octets` */
  set(authority: string, octets: Uint8Array, at: number, length: number, entry: TableEntry): void;
  delete(authority: string, octets: Uint8Array, at: number, length: number): void;
  /** Drops what expired before, in a small part of the table: the next one at each call. */
  dropExpired(before: number): void;
  /** Octets that the entries and their free places take. */
  readonly bytes: number;
}

export function createRevocationTable(): RevocationTable {
  // Serials of other people's CAs are no random numbers; nor are the ones with which somebody wants to slow us down.
  const seed = randomInt(0x1_0000_0000 - 1);
  const authorities = new Map<string, number>();
  const segments = Array.from({ length: segmentCount }, () => new Segment(smallestCapacity, seed));
  const wanted = new Uint8Array(longestSerial);
  let sweeping = 0;

  function numberOf(authority: string): number {
    const known = authorities.get(authority);
    if (known !== undefined) return known;
    const number = authorities.size;
    if (number > mostAuthorities) throw new RangeError('There are too many authorities');
    authorities.set(authority, number);
    return number;
  }

  function segmentOf(hash: number): Segment {
    const segment = segments[hash >>> (32 - segmentBits)];
    if (segment === undefined) throw new RangeError('No such segment');
    return segment;
  }

  return {
    get size() {
      return segments.reduce((sum, segment) => sum + segment.size, 0);
    },
    get bytes() {
      return segments.reduce((sum, segment) => sum + segment.bytes, 0);
    },
    get(authority, serial) {
      const number = authorities.get(authority);
      const length = readHex(serial, wanted);
      if (number === undefined || length === 0) return undefined;
      const hash = hashOf(seed, number, wanted, 0, length);
      return segmentOf(hash).get(hash, number, wanted, 0, length);
    },
    set(authority, octets, at, length, entry) {
      if (length < 1 || length > longestSerial) throw new RangeError(`A serial of ${length} octets`);
      const number = numberOf(authority);
      const hash = hashOf(seed, number, octets, at, length);
      segmentOf(hash).set(hash, number, octets, at, length, entry);
    },
    delete(authority, octets, at, length) {
      const number = authorities.get(authority);
      if (number === undefined) return;
      const hash = hashOf(seed, number, octets, at, length);
      segmentOf(hash).delete(hash, number, octets, at, length);
    },
    dropExpired(before) {
      segments[sweeping]?.dropExpired(before);
      sweeping = (sweeping + 1) % segmentCount;
    },
  };
}

/** Open addressing: an entry stands at the place of its hash, or as near behind it as one was free. */
class Segment {
  size = 0;
  readonly #seed: number;
  #capacity: number;
  #keys: Uint8Array;
  #revokedAt: Uint32Array;
  #notAfter: Uint32Array;

  constructor(capacity: number, seed: number) {
    this.#seed = seed;
    this.#capacity = capacity;
    this.#keys = new Uint8Array(capacity * keyOctets);
    this.#revokedAt = new Uint32Array(capacity);
    this.#notAfter = new Uint32Array(capacity);
  }

  get bytes(): number {
    return this.#keys.byteLength + this.#revokedAt.byteLength + this.#notAfter.byteLength;
  }

  get(
    hash: number,
    authority: number,
    octets: Uint8Array,
    at: number,
    length: number,
  ): TableEntry | undefined {
    const place = this.#find(hash, authority, octets, at, length);
    if (this.#isFree(place)) return undefined;
    return {
      reasonCode: this.#keys[place * keyOctets + reasonAt] ?? 0,
      revokedAt: this.#revokedAt[place] ?? 0,
      notAfter: this.#notAfter[place] ?? 0,
    };
  }

  set(
    hash: number,
    authority: number,
    octets: Uint8Array,
    at: number,
    length: number,
    entry: TableEntry,
  ): void {
    let place = this.#find(hash, authority, octets, at, length);
    if (this.#isFree(place)) {
      if (this.size + 1 > this.#capacity * fullest) {
        this.#grow();
        place = this.#find(hash, authority, octets, at, length);
      }
      this.size += 1;
      const key = place * keyOctets;
      this.#keys[key + lengthAt] = length;
      this.#keys[key + authorityAt] = authority >>> 8;
      this.#keys[key + authorityAt + 1] = authority;
      this.#keys.set(octets.subarray(at, at + length), key + serialAt);
    }
    this.#keys[place * keyOctets + reasonAt] = entry.reasonCode;
    this.#revokedAt[place] = entry.revokedAt;
    this.#notAfter[place] = entry.notAfter;
  }

  delete(hash: number, authority: number, octets: Uint8Array, at: number, length: number): void {
    const place = this.#find(hash, authority, octets, at, length);
    if (!this.#isFree(place)) this.#free(place);
  }

  dropExpired(before: number): void {
    // What moves up into the place of another one was behind it: it is looked at as well.
    for (let place = this.#capacity - 1; place >= 0; place--) {
      while (!this.#isFree(place) && (this.#notAfter[place] ?? 0) < before) this.#free(place);
    }
  }

  /** The place of the entry, or the free one where it would be. There is always a free one. */
  #find(hash: number, authority: number, octets: Uint8Array, at: number, length: number): number {
    let place = this.#homeOf(hash);
    while (!this.#isFree(place) && !this.#holds(place, authority, octets, at, length)) {
      place = this.#after(place);
    }
    return place;
  }

  /** By the bits that did not choose the segment. */
  #homeOf(hash: number): number {
    return Math.floor(((hash & homeMask) * this.#capacity) / (homeMask + 1));
  }

  #after(place: number): number {
    return place + 1 === this.#capacity ? 0 : place + 1;
  }

  /** How many places on from `from` it is. */
  #distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.#capacity;
  }

  #isFree(place: number): boolean {
    return this.#keys[place * keyOctets + lengthAt] === 0;
  }

  #holds(place: number, authority: number, octets: Uint8Array, at: number, length: number): boolean {
    const key = place * keyOctets;
    if (this.#keys[key + lengthAt] !== length || this.#authorityOf(place) !== authority) return false;
    // From the end, where serials that were counted up differ.
    for (let index = length - 1; index >= 0; index--) {
      if (this.#keys[key + serialAt + index] !== octets[at + index]) return false;
    }
    return true;
  }

  #authorityOf(place: number): number {
    const key = place * keyOctets;
    return ((this.#keys[key + authorityAt] ?? 0) << 8) | (this.#keys[key + authorityAt + 1] ?? 0);
  }

  #hashAt(place: number): number {
    const key = place * keyOctets;
    const length = this.#keys[key + lengthAt] ?? 0;
    return hashOf(this.#seed, this.#authorityOf(place), this.#keys, key + serialAt, length);
  }

  /** Those behind it that are not at home move up, so that no search ends too early. */
  #free(hole: number): void {
    let empty = hole;
    for (let place = this.#after(hole); !this.#isFree(place); place = this.#after(place)) {
      const home = this.#homeOf(this.#hashAt(place));
      if (this.#distance(home, place) < this.#distance(empty, place)) continue;
      this.#copy(this, place, empty);
      empty = place;
    }
    this.#keys.fill(0, empty * keyOctets, (empty + 1) * keyOctets);
    this.size -= 1;
  }

  #copy(from: Segment, place: number, to: number): void {
    this.#keys.set(from.#keys.subarray(place * keyOctets, (place + 1) * keyOctets), to * keyOctets);
    this.#revokedAt[to] = from.#revokedAt[place] ?? 0;
    this.#notAfter[to] = from.#notAfter[place] ?? 0;
  }

  #grow(): void {
    const larger = new Segment(Math.ceil(this.#capacity * growth), this.#seed);
    for (let place = 0; place < this.#capacity; place++) {
      if (this.#isFree(place)) continue;
      let to = larger.#homeOf(this.#hashAt(place));
      while (!larger.#isFree(to)) to = larger.#after(to);
      larger.#copy(this, place, to);
    }
    this.#capacity = larger.#capacity;
    this.#keys = larger.#keys;
    this.#revokedAt = larger.#revokedAt;
    this.#notAfter = larger.#notAfter;
  }
}

/** FNV-1a from a secret start, then the finalizer of MurmurHash3, so that the upper and the lower bits are both good. */
function hashOf(seed: number, authority: number, octets: Uint8Array, at: number, length: number): number {
  let hash = Math.imul(seed ^ authority, 0x01000193);
  for (let index = 0; index < length; index++) hash = Math.imul(hash ^ (octets[at + index] ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** @returns how many octets; 0 for what is not lower-case hex of 1 to 21 octets */
function readHex(text: string, into: Uint8Array): number {
  if (text.length === 0 || text.length > longestSerial * 2 || text.length % 2 !== 0) return 0;
  for (let index = 0; index < text.length; index += 2) {
    const octet = (digitOf(text.charCodeAt(index)) << 4) | digitOf(text.charCodeAt(index + 1));
    if (octet < 0) return 0;
    into[index >> 1] = octet;
  }
  return text.length >> 1;
}

function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x61 + 10;
  return -1;
}
