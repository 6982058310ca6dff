/** One encapsulated block (RFC 7468). */
export interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
}

/** The text is not PEM as RFC 7468 has it. */
export class PemError extends Error {
  override readonly name = 'PemError';
}

const BEGIN = '-----BEGIN ';
const END = '-----END ';
const DASHES = '-----';
/** Printable ASCII without hyphens at the ends; long enough for every registered label. */
const LABEL = /^[A-Z0-9][A-Z0-9 #.-]{0,62}$/;

/**
 * Every block of the text in order, or those with `label` only. Text outside of blocks is skipped (RFC 7468 section 2).
 * Throws `PemError` on a block without its end, with headers (encrypted legacy keys), or whose base64 is not exact.
 */
export function decodePem(text: string, label?: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (let at = text.indexOf(BEGIN); at !== -1; ) {
    const labelEnd = text.indexOf(DASHES, at + BEGIN.length);
    const found = labelEnd === -1 ? '' : text.slice(at + BEGIN.length, labelEnd);
    if (!LABEL.test(found)) throw new PemError('A PEM block has a malformed BEGIN line');
    const bodyStart = labelEnd + DASHES.length;
    const endLine = `${END}${found}${DASHES}`;
    const bodyEnd = text.indexOf(DASHES, bodyStart);
    if (bodyEnd === -1 || !text.startsWith(endLine, bodyEnd)) {
      throw new PemError(`The PEM block "${found}" has no END line`);
    }
    if (label === undefined || label === found) {
      blocks.push({ label: found, der: decodeBase64(text.slice(bodyStart, bodyEnd), found) });
    }
    at = text.indexOf(BEGIN, bodyEnd + endLine.length);
  }
  return blocks;
}

/** Buffer.from() skips what is not base64; a CSR or key must be exactly what was written. */
function decodeBase64(body: string, label: string): Buffer {
  const base64 = body.replace(/[\t\n\v\f\r ]+/g, '');
  const der = Buffer.from(base64, 'base64');
  if (base64 === '' || der.toString('base64') !== base64) {
    throw new PemError(`The PEM block "${label}" is not exact base64`);
  }
  return der;
}

/** A block of 64-character lines with a final line break (RFC 7468 section 2). */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  const lines: string[] = [];
  for (let at = 0; at < base64.length; at += 64) lines.push(base64.slice(at, at + 64));
  return `${BEGIN}${label}${DASHES}\n${lines.join('\n')}\n${END}${label}${DASHES}\n`;
}

/** How many characters `encodePem` makes of so many octets. */
export function pemLength(label: string, octets: number): number {
  const base64 = Math.ceil(octets / 3) * 4;
  const armour = 2 * label.length + BEGIN.length + END.length + 2 * DASHES.length + 2;
  return base64 + Math.max(1, Math.ceil(base64 / 64)) + armour;
}
