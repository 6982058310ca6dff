import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The documents that people read, by their paths in the repository. */
export function documentPaths(): string[] {
  return globSync(['*.md', 'docs/**/*.md'], { cwd: root }).sort();
}

export function readDocument(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Commands of a guide, and the text after them under the same heading, which is what they print: empty when there is none. */
export interface MarkedCommands {
  readonly commands: string;
  readonly output: string;
}

/** The block of commands that is marked with this word: `<!-- run: word -->`. */
export function markedCommands(path: string, word: string): MarkedCommands {
  const block =
    /<!-- run: ([a-z0-9 ]+) -->\n```sh\n([\s\S]*?)```\n(?:(?:(?!```|^#)[\s\S])*?```text\n([\s\S]*?)```\n)?/gm;
  const found = [...readDocument(path).matchAll(block)].find(([, words = '']) =>
    words.split(' ').includes(word),
  );
  assert.ok(found !== undefined, `${path}: ${word}`);
  const [, , commands = '', output = ''] = found;
  return { commands, output };
}

/** The document without its code, fenced or inline, where nothing is a link or a heading. */
export function proseOf(text: string): string {
  return text.replace(/^( *)```[\s\S]*?^\1```/gm, '').replace(/`[^`\n]*`/g, '``');
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const headings = text.replace(/^( *)```[\s\S]*?^\1```/gm, '').matchAll(/^#{1,6} +(.+)$/gm);
  const anchors = new Set<string>();
  for (const [, heading = ''] of headings) {
    const base = slugOf(heading);
    let anchor = base;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${base}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

function slugOf(heading: string): string {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}
