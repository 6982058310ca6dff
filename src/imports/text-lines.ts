/** A line without its end. */
export interface TextLine {
  /** From 1. */
  readonly number: number;
  /** Octets as characters (latin1): what is looked at is ASCII. */
  readonly text: string;
}

/** Nothing that is a line of PEM or of index.txt is longer; the rest of one is not kept. */
export const longestLine = 64 * 1024;

/** EF BB BF, which editors put before what they save as UTF-8, and `cat` into the middle. */
const byteOrderMark = '\u00ef\u00bb\u00bf';

/** A chunk is taken apart in pieces of this size, so that no piece is more than a millisecond of work. */
const pieceOctets = 64 * 1024;

/** Cuts text into lines as it comes: some at a time, in their order. What follows the last line end is a line, too. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<TextLine[]> {
  let number = 0;
  let begun = '';
  const line = (whole: string): TextLine => {
    const text = whole.startsWith(byteOrderMark) ? whole.slice(byteOrderMark.length) : whole;
    return { number: ++number, text: (text.endsWith('\r') ? text.slice(0, -1) : text).slice(0, longestLine) };
  };
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += pieceOctets) {
      const [first = '', ...others] = chunk.toString('latin1', at, at + pieceOctets).split('\n');
      const last = others.pop();
      if (last === undefined) begun = (begun + first).slice(0, longestLine + 1);
      else {
        yield [begun + first, ...others].map(line);
        begun = last;
      }
    }
  }
  if (begun !== '') yield [line(begun)];
}
