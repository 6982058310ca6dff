import { setImmediate } from 'node:timers/promises';

/** 48 octets make a line of 64 characters; a step of 12,288 lines takes about a millisecond. */
const stepOctets = 48 * 12_288;

/**
 * PEM of something large (a CRL with a million entries is 40 MB) without holding the event loop: after each step
 * others get their turn. The bytes are those of `encodePem`.
 */
export async function encodePemInSteps(label: string, der: Buffer): Promise<Buffer> {
  const steps: Buffer[] = [Buffer.from(`-----BEGIN ${label}-----\n`)];
  for (let at = 0; at < der.length; at += stepOctets) {
    const base64 = der.toString('base64', at, Math.min(at + stepOctets, der.length));
    steps.push(Buffer.from(base64.replace(/.{1,64}/g, '$&\n'), 'latin1'));
    await setImmediate();
  }
  steps.push(Buffer.from(`-----END ${label}-----\n`));
  return Buffer.concat(steps);
}
