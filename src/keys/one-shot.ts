import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { joinInSteps } from '../encoding/in-steps.ts';

/** What the thread is given. */
export interface OneShot {
  readonly bytes: ArrayBuffer;
  readonly key: KeyObject;
  /** To be checked; without it the bytes are signed. */
  readonly signature?: Uint8Array;
}

/** From here on the copy that another thread needs takes longer than hashing a step at a time. */
const largeOctets = 256 * 1024;

export function isLarge(chunks: readonly Uint8Array[]): boolean {
  return chunks.reduce((total, { length }) => total + length, 0) >= largeOctets;
}

/**
 * Ed25519 goes through what it signs twice (RFC 8032 5.1.6), so it must have all of it in one piece. Node's own threads would
 * first have it copied while the event loop waits: 50 ms for 40 MB. Here the bytes are given away instead.
 */
export async function signApart(chunks: readonly Uint8Array[], key: KeyObject): Promise<Buffer> {
  const answer = await runApart({ bytes: (await joinInSteps(chunks)).buffer, key });
  if (!(answer instanceof Uint8Array)) throw new Error('The thread gave no signature');
  return Buffer.from(answer);
}

/** `signApart`'s counterpart. */
export async function verifyApart(
  chunks: readonly Uint8Array[],
  key: KeyObject,
  signature: Uint8Array,
): Promise<boolean> {
  return (await runApart({ bytes: (await joinInSteps(chunks)).buffer, key, signature })) === true;
}

async function runApart(job: OneShot): Promise<unknown> {
  const worker = new Worker(new URL('./one-shot-worker.ts', import.meta.url), {
    workerData: job,
    transferList: [job.bytes],
  });
  try {
    // `once` rejects with what the thread throws.
    const [answer] = await once(worker, 'message');
    return answer;
  } finally {
    await worker.terminate();
  }
}
