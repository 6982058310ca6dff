import { RE2JS } from 're2js';

/** What a name has to match as a whole. */
export interface Pattern {
  /** As the operator wrote it. */
  readonly source: string;
  test(text: string): boolean;
}

/**
 * Compiles an operator's regular expression in RE2's syntax. RE2 takes time in proportion to the text, whatever the pattern: that
 * of JavaScript can take years for a name of 30 characters, and whoever sends a CSR chooses the name.
 * Anchored here, so that a profile cannot forget it: "corp" must not let "corp.evil.example" through.
 * @throws Error with the fault, also for what RE2 has not: look-around and back-references
 */
export function compilePattern(source: string): Pattern {
  const compiled = RE2JS.compile(source);
  return { source, test: (text) => compiled.matches(text) };
}
