import { setImmediate } from 'node:timers/promises';
import { PemError } from './pem.ts';

/** Decoding this much takes some two milliseconds. */
const stepOctets = 256 * 1024;
const dash = 0x2d;
const whitespace: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d]);

/**
 * The blocks of a text that has nothing but blocks with this label, large ones included: a CRL with a million entries is
 * 54 MB. After each step others get their turn. Throws `PemError` on anything else, also on text around the blocks.
 */
export async function decodePemInSteps(text: Buffer, label: string): Promise<Buffer[]> {
  const [begin, end] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`];
  const blocks: Buffer[] = [];
  for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, at)) {
    if (!startsWith(text, begin, at))
      throw new PemError(`There is something else than a PEM block "${label}"`);
    const bodyEnd = text.indexOf(dash, at + begin.length);
    if (bodyEnd === -1 || !startsWith(text, end, bodyEnd))
      throw new PemError(`The PEM block "${label}" has no END line`);
    blocks.push(await decodeBase64(text.subarray(at + begin.length, bodyEnd), label));
    at = bodyEnd + end.length;
  }
  return blocks;
}

function startsWith(text: Buffer, line: string, at: number): boolean {
  return text.toString('latin1', at, at + line.length) === line;
}

function skipSpace(text: Buffer, from: number): number {
  let at = from;
  while (whitespace.has(text[at] ?? 0)) at += 1;
  return at;
}

async function decodeBase64(body: Buffer, label: string): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(Math.ceil(body.length / 4) * 3);
  let length = 0;
  let rest = '';
  for (let at = 0; at < body.length; at += stepOctets) {
    const step = body.toString('latin1', at, Math.min(at + stepOctets, body.length));
    const base64 = rest + step.replace(/[\t\n\v\f\r ]+/g, '');
    const entire = base64.slice(0, base64.length - (base64.length % 4));
    rest = base64.slice(entire.length);
    // Written as text again it must be the same: Buffer.from() skips what is not base64.
    const octets = Buffer.from(entire, 'base64');
    if (octets.toString('base64') !== entire)
      throw new PemError(`The PEM block "${label}" is not exact base64`);
    length += octets.copy(whole, length);
    await setImmediate();
  }
  if (rest !== '' || length === 0) throw new PemError(`The PEM block "${label}" is not exact base64`);
  return whole.subarray(0, length);
}
