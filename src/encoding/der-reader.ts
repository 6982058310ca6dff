import { DerError } from './der-error.ts';
import { decodeOid } from './oid.ts';
import { tag } from './tag.ts';

/** Deeper than any X.509 structure; stops input that nests to exhaust the stack. */
const MAX_DEPTH = 24;

/**
 * A cursor over DER (X.690 clauses 8, 10, 11): definite minimal lengths, single-octet tags, nothing left over.
 * It never copies: every Buffer it gives is a view of the bytes it was made with. All methods throw `DerError`.
 */
export class DerReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #depth: number;
  #position: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length, depth = 0) {
    if (depth > MAX_DEPTH) throw new DerError('The structure is nested too deeply', start);
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#position = start;
    this.#end = end;
    this.#depth = depth;
  }

  get atEnd(): boolean {
    return this.#position === this.#end;
  }

  /** The identifier octet of the next element; undefined at the end. */
  peek(): number | undefined {
    return this.#position < this.#end ? this.#bytes[this.#position] : undefined;
  }

  /** Nothing may follow. */
  finish(): void {
    if (!this.atEnd) throw this.#error('Unexpected bytes follow');
  }

  /** The next element's content octets, whose identifier must be `identifier`. */
  content(identifier: number): Buffer {
    const start = this.#enter(identifier);
    const end = this.#contentEnd;
    this.#position = end;
    return this.#bytes.subarray(start, end);
  }

  /** A reader of the next element's content, whose identifier must be `identifier`. */
  constructed(identifier: number): DerReader {
    const start = this.#enter(identifier);
    const end = this.#contentEnd;
    this.#position = end;
    return new DerReader(this.#bytes, start, end, this.#depth + 1);
  }

  sequence(): DerReader {
    return this.constructed(tag.sequence);
  }

  /** The next element whole, identifier and length included; of any type, or of `identifier`. */
  element(identifier?: number): Buffer {
    const start = this.#position;
    this.#enter(identifier);
    this.#position = this.#contentEnd;
    return this.#bytes.subarray(start, this.#position);
  }

  boolean(): boolean {
    const content = this.content(tag.boolean);
    // X.690 11.1: TRUE is all ones.
    if (content.length !== 1 || (content[0] !== 0xff && content[0] !== 0)) {
      throw this.#error('A BOOLEAN is neither 00 nor FF');
    }
    return content[0] === 0xff;
  }

  null(): void {
    if (this.content(tag.null).length !== 0) throw this.#error('A NULL has content');
  }

  /** Content octets of an INTEGER or ENUMERATED in their fewest octets, two's complement (X.690 8.3.2). */
  integerContent(identifier: number = tag.integer): Buffer {
    const content = this.content(identifier);
    const first = content[0];
    if (first === undefined) throw this.#error('An INTEGER is empty');
    const second = content[1];
    const padded = (first === 0 && (second ?? 0x80) < 0x80) || (first === 0xff && (second ?? 0) >= 0x80);
    if (content.length > 1 && padded) throw this.#error('An INTEGER is not minimal');
    return content;
  }

  /** Big-endian magnitude, without a leading zero octet, of an INTEGER that is not negative (one zero octet for 0). */
  unsignedInteger(): Buffer {
    const content = this.integerContent();
    const first = content[0] ?? 0;
    if (first & 0x80) throw this.#error('An INTEGER is negative');
    return first === 0 && content.length > 1 ? content.subarray(1) : content;
  }

  /** As `unsignedInteger`, and greater than zero. */
  positiveInteger(): Buffer {
    const magnitude = this.unsignedInteger();
    if (magnitude[0] === 0) throw this.#error('An INTEGER is not positive');
    return magnitude;
  }

  /** An INTEGER or ENUMERATED between 0 and 2^31 - 1. */
  smallInteger(identifier: number = tag.integer): number {
    const content = this.integerContent(identifier);
    if (content.length > 4 || (content[0] ?? 0) & 0x80) throw this.#error('An INTEGER is out of range');
    return content.readUIntBE(0, content.length);
  }

  oid(): string {
    return decodeOid(this.content(tag.oid));
  }

  octetString(): Buffer {
    return this.content(tag.octetString);
  }

  /** Content of a BIT STRING that must be whole octets, as keys and signatures are. */
  bitStringOctets(): Buffer {
    const content = this.content(tag.bitString);
    if (content[0] !== 0) throw this.#error('A BIT STRING is not a whole number of octets');
    return content.subarray(1);
  }

  /**
   * Numbers of the bits that are set in a named bit list. Trailing zero bits are let pass: X.690 11.2.2 drops them, but CA
   * certificates in use have them, and they mean nothing.
   */
  namedBits(): number[] {
    const content = this.content(tag.bitString);
    const unused = content[0] ?? 8;
    const last = content.length === 1 ? 0xff : (content.at(-1) ?? 0);
    if (unused > 7 || last & ((1 << unused) - 1)) throw this.#error('A BIT STRING is malformed');
    const bits: number[] = [];
    for (let bit = 0; bit < (content.length - 1) * 8; bit += 1) {
      if ((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) bits.push(bit);
    }
    return bits;
  }

  #contentEnd = 0;

  /** Checks identifier and length of the next element; returns where its content starts, sets `#contentEnd`. */
  #enter(expected: number | undefined): number {
    const identifier = this.peek();
    if (identifier === undefined) throw this.#error('An element is missing');
    if (expected !== undefined && identifier !== expected) {
      throw this.#error(`Expected tag ${hexOctet(expected)}, found ${hexOctet(identifier)}`);
    }
    if ((identifier & 0x1f) === 0x1f) throw this.#error('Multi-octet tags are not used here');
    if (identifier === 0) throw this.#error('End-of-contents octets are not DER');
    const start = this.#readLength(this.#position + 1);
    if (this.#contentEnd > this.#end) throw this.#error('An element is longer than what holds it');
    return start;
  }

  #readLength(at: number): number {
    const first = at < this.#end ? this.#bytes[at] : undefined;
    if (first === undefined) throw this.#error('A length is cut off');
    if (first < 0x80) {
      this.#contentEnd = at + 1 + first;
      return at + 1;
    }
    const octets = first & 0x7f;
    if (octets === 0) throw this.#error('Indefinite lengths are not DER');
    if (octets > 4) throw this.#error('A length is too large');
    if (at + 1 + octets > this.#end) throw this.#error('A length is cut off');
    const length = this.#bytes.readUIntBE(at + 1, octets);
    if (length < 0x80 || length < 2 ** (8 * (octets - 1))) throw this.#error('A length is not minimal');
    this.#contentEnd = at + 1 + octets + length;
    return at + 1 + octets;
  }

  #error(message: string): DerError {
    return new DerError(message, this.#position);
  }
}

function hexOctet(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}
