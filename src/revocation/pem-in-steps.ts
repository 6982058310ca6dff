import { setImmediate } from 'node:timers/promises';

/** 48 octets make a line of 64 characters; a step of 4,096 lines takes less than a millisecond. */
const lineOctets = 48;
const stepOctets = lineOctets * 4_096;

/**
 * PEM of something large (a CRL with a million entries is 40 MB) without holding the event loop: after each step
 * others get their turn. The bytes are those of `encodePem`.
 */
export async function encodePemInSteps(label: string, der: Buffer): Promise<Buffer> {
  const begin = `-----BEGIN ${label}-----\n`;
  const end = `-----END ${label}-----\n`;
  const characters = Math.ceil(der.length / 3) * 4 + Math.ceil(der.length / lineOctets);
  const pem = Buffer.allocUnsafe(begin.length + characters + end.length);
  let length = pem.write(begin, 'latin1');
  for (let at = 0; at < der.length; at += stepOctets) {
    const base64 = der.toString('base64', at, Math.min(at + stepOctets, der.length));
    length += pem.write(base64.replace(/.{1,64}/g, '$&\n'), length, 'latin1');
    await setImmediate();
  }
  pem.write(end, length, 'latin1');
  return pem;
}
