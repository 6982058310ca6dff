/** Secrets by their shape, as they look inside a line of JSON (a newline is `\n` there). */
const shapes: readonly (readonly [RegExp, string])[] = [
  [
    /-----BEGIN ([A-Z0-9 ]{1,40})-----(?:[\w+/=:,.\s]|\\[nrt]|-(?!----))*(?:-----END [A-Z0-9 ]{1,40}-----)?/g,
    '[redacted $1]',
  ],
  [/\b(ica_[A-Za-z0-9]{1,64})_[A-Za-z0-9_-]+/g, '$1_[redacted]'],
  // A JWT: the base64url of `{"`. No dot is looked for, which in a line of such beginnings would be looked for from each of them.
  [/\beyJ[\w-]{8,}[\w.-]*/g, '[redacted JWT]'],
  [/\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]{16,}/gi, '$1 [redacted]'],
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"\\]{0,128}):[^\s@"\\]{1,512}@/gi, '$1:[redacted]@'],
];

/** `line` without PEM blocks, tokens and passwords of URLs. Works on messages and on whole lines of JSON. */
export function scrub(line: string): string {
  return shapes.reduce((text, [shape, replacement]) => text.replace(shape, replacement), line);
}
