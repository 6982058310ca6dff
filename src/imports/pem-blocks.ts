import { ImportProblem } from './import-problem.ts';
import { linesOf, type TextLine } from './text-lines.ts';

/** One block of a file. */
export interface ForeignBlock {
  /** Where it begins. */
  readonly line: number;
  readonly label: string;
  /** The DER in pieces; a problem where it is none. Undefined: its label is not wanted. */
  readonly content: readonly Buffer[] | ImportProblem | undefined;
}

export interface PemBlocksOptions {
  readonly labels: readonly string[];
  /** Of one block. */
  readonly mostOctets: number;
}

/** Where `cat` has joined a file that does not end in a line end with the next one. */
const joint = /(?<=-----)(?=-----BEGIN )/;
const begin = /^-----BEGIN ([A-Z0-9][A-Z0-9 #.-]{0,62})-----$/;
/** Base64 is decoded in pieces of so many characters: a multiple of 4. */
const pieceCharacters = 16_384;

/**
 * The blocks of PEM text as it comes, `openssl`'s own words around them passed over (RFC 7468 section 2). A block that is broken
 * does not take those behind it along.
 */
export async function* pemBlocks(
  chunks: AsyncIterable<Buffer>,
  options: PemBlocksOptions,
): AsyncGenerator<ForeignBlock> {
  let open: OpenBlock | undefined;
  for await (const lines of linesOf(chunks)) {
    for (const { number, text } of lines.flatMap(takenApart)) {
      if (!text.startsWith('-----')) {
        open?.add(text);
        continue;
      }
      if (open !== undefined) yield open.end(text);
      const label = begin.exec(text)?.[1];
      open = label === undefined ? undefined : new OpenBlock(number, label, options);
    }
  }
  if (open !== undefined) yield open.end('');
}

function takenApart({ number, text }: TextLine): TextLine[] {
  return text
    .trim()
    .split(joint)
    .map((part) => ({ number, text: part }));
}

class OpenBlock {
  readonly #line: number;
  readonly label: string;
  readonly #wanted: boolean;
  readonly #mostOctets: number;
  readonly #pieces: Buffer[] = [];
  #octets = 0;
  #text = '';
  #problem: string | undefined;

  constructor(line: number, label: string, { labels, mostOctets }: PemBlocksOptions) {
    this.#line = line;
    this.label = label;
    this.#wanted = labels.includes(label);
    this.#mostOctets = mostOctets;
  }

  add(text: string): void {
    if (!this.#wanted || this.#problem !== undefined) return;
    this.#text += text;
    if (this.#text.length >= pieceCharacters) this.#decode(this.#text.length - (this.#text.length % 4));
  }

  /** @param line what comes instead of more */
  end(line: string): ForeignBlock {
    const { label } = this;
    const about = { line: this.#line, label };
    if (!this.#wanted) return { ...about, content: undefined };
    if (this.#problem === undefined) this.#decode(this.#text.length);
    if (line !== `-----END ${label}-----`) this.#problem = 'It has no END line';
    else if (this.#octets === 0) this.#problem ??= 'It is empty';
    const problem = this.#problem;
    return {
      ...about,
      content:
        problem === undefined
          ? this.#pieces
          : new ImportProblem('malformed', `The PEM block is broken: ${problem}`),
    };
  }

  #decode(length: number): void {
    const text = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    const piece = Buffer.from(text, 'base64');
    // Buffer.from() skips what is not base64.
    if (piece.toString('base64') !== text) this.#problem = 'It is not exact base64';
    this.#octets += piece.length;
    if (this.#octets > this.#mostOctets) this.#problem = `It has more than ${this.#mostOctets} octets`;
    this.#pieces.push(piece);
  }
}
