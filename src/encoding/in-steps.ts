import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** Hashing this much takes less than a millisecond. */
const stepOctets = 512 * 1024;

/** Goes through a large number of bytes in steps, with everybody else's turn after each. */
export async function inSteps(chunks: Iterable<Uint8Array>, work: (step: Uint8Array) => void): Promise<void> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += stepOctets) {
      work(chunk.subarray(at, at + stepOctets));
      await setImmediate();
    }
  }
}

export async function sha256InSteps(chunks: Iterable<Uint8Array>): Promise<Buffer> {
  const hash = createHash('sha256');
  await inSteps(chunks, (step) => hash.update(step));
  return hash.digest();
}

/** All of them in memory of their own. */
export async function joinInSteps(chunks: readonly Uint8Array[]): Promise<Buffer<ArrayBuffer>> {
  const bytes = new Uint8Array(chunks.reduce((total, { length }) => total + length, 0));
  let at = 0;
  await inSteps(chunks, (step) => {
    bytes.set(step, at);
    at += step.length;
  });
  return Buffer.from(bytes.buffer);
}
