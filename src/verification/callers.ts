import { createHash, timingSafeEqual } from 'node:crypto';
import type { Door } from './door.ts';
import type { Networks } from './networks.ts';

/** A proxy that may ask, as the operator's file describes it. */
export interface VerifyCaller extends Door {
  readonly name: string;
  /** Its connections come from there. */
  readonly networks?: Networks;
  /** SHA-256 of the key that it shows. */
  readonly keySha256?: Buffer;
}

/** What a proxy shows of itself. */
export interface CallerProof {
  /** Of the TCP connection: what a header says of it is not believed. */
  readonly remoteAddress: string | undefined;
  readonly key?: string | undefined;
  /** Which of the callers it says it is. */
  readonly name?: string | undefined;
}

/** The one caller whose every proof holds; `ambiguous` when that is true of several, and none was named. */
export function findCaller(
  callers: readonly VerifyCaller[],
  proof: CallerProof,
): VerifyCaller | 'unknown' | 'ambiguous' {
  const given = proof.key === undefined ? undefined : createHash('sha256').update(proof.key).digest();
  const fitting = callers.filter(
    (caller) => (proof.name === undefined || caller.name === proof.name) && proves(caller, proof, given),
  );
  const [first, ...more] = fitting;
  if (first === undefined) return 'unknown';
  return more.length === 0 ? first : 'ambiguous';
}

/** A caller without any proof would be everybody: it proves nothing. */
function proves(caller: VerifyCaller, { remoteAddress }: CallerProof, given: Buffer | undefined): boolean {
  const { networks, keySha256 } = caller;
  if (networks === undefined && keySha256 === undefined) return false;
  if (networks !== undefined && !networks.include(remoteAddress)) return false;
  return keySha256 === undefined || (given !== undefined && timingSafeEqual(given, keySha256));
}
