import { setImmediate } from 'node:timers/promises';

/** 48 octets make a line of 64 characters; a step of 4,096 lines takes less than a millisecond. */
const lineOctets = 48;
const stepOctets = lineOctets * 4_096;

/**
 * PEM of something large (a CRL with a million entries is 40 MB) without holding the event loop: after each step
 * others get their turn. The bytes are those of `encodePem`.
 */
export async function encodePemInSteps(label: string, der: Buffer): Promise<Buffer> {
  const pem = Buffer.allocUnsafe(pemLength(label, der.length));
  let length = pem.write(beginOf(label), 'latin1');
  for (let at = 0; at < der.length; at += stepOctets) {
    const base64 = der.toString('base64', at, Math.min(at + stepOctets, der.length));
    length += pem.write(base64.replace(/.{1,64}/g, '$&\n'), length, 'latin1');
    await setImmediate();
  }
  pem.write(endOf(label), length, 'latin1');
  return pem;
}

/** Octets of the PEM of so many octets of DER. */
export function pemLength(label: string, octets: number): number {
  const lines = Math.ceil(octets / 3) * 4 + Math.ceil(octets / lineOctets);
  return beginOf(label).length + lines + endOf(label).length;
}

function beginOf(label: string): string {
  return `-----BEGIN ${label}-----\n`;
}

function endOf(label: string): string {
  return `-----END ${label}-----\n`;
}
