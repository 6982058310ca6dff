import { createVerify } from 'node:crypto';
import type { Authority } from '../authority/authority.ts';
import { inSteps } from '../encoding/in-steps.ts';
import { isLarge, verifyApart } from '../keys/one-shot.ts';
import type { Signer } from '../keys/signer.ts';
import type { CrlBuildSession, DeltaBase, Tally } from '../store/crls.ts';
import { verifySigned } from '../x509/signed.ts';
import { both } from './both.ts';
import { type Comparison, compareEntries } from './compare-entries.ts';
import { CrlCheckFailed } from './crl-check-failed.ts';

/**
 * What is looked at before a CRL is published, each by other means than those that made it. All throw `CrlCheckFailed`, which
 * rolls back the build.
 */

export interface CrlHead {
  readonly number: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

/** The number rises, and the times hold now. */
export function checkHead(
  head: CrlHead,
  previous: { readonly number: bigint } | undefined,
  now: number,
): void {
  if (previous !== undefined && head.number <= previous.number)
    throw new CrlCheckFailed('number', `The number ${head.number} is not above ${previous.number}`);
  const from = head.thisUpdate.getTime();
  const to = head.nextUpdate.getTime();
  if (from > now || to <= now)
    throw new CrlCheckFailed(
      'times',
      `The CRL would hold from ${head.thisUpdate.toISOString()} to ${head.nextUpdate.toISOString()}, not now`,
    );
}

/** Two clocks that agree are not both wrong: ours is a machine's, that of the database most often another one's. */
export function checkClock(now: number, databaseNow: Date, toleranceSeconds: number): void {
  const apart = Math.abs(now - databaseNow.getTime()) / 1000;
  if (apart <= toleranceSeconds) return;
  throw new CrlCheckFailed(
    'clock',
    `The clock here (${new Date(now).toISOString()}) and that of the database (${databaseNow.toISOString()}) are ` +
      `${Math.round(apart)} s apart, more than ${toleranceSeconds} s: no CRL is signed until they agree`,
  );
}

/** By the key in the CA certificate, with which everybody else checks it. */
export async function checkSignature(
  { certificate, signer }: Pick<Authority, 'certificate' | 'signer'>,
  tbs: readonly Buffer[],
  signature: Buffer,
): Promise<void> {
  if (await isSigned({ ...certificate, algorithm: signer.algorithm }, tbs, signature)) return;
  throw new CrlCheckFailed('signature', 'The signature is not by the key of the CA certificate');
}

/** Who signs, as others see it: by the CA certificate, and how. */
export interface SigningFacts extends Pick<Authority['certificate'], 'publicKey'> {
  readonly algorithm: Signer['algorithm'];
}

/** Whether `signature` is by that key; large TBS in steps that let others have their turn. */
export async function isSigned(
  { publicKey, algorithm: { digest, der } }: SigningFacts,
  tbs: readonly Buffer[],
  signature: Buffer,
): Promise<boolean> {
  if (!isLarge(tbs)) {
    const signed = { tbs: Buffer.concat(tbs), signatureAlgorithm: der, signature };
    return await verifySigned(signed, publicKey, 'crl');
  }
  return digest === null
    ? await verifyApart(tbs, publicKey.keyObject, signature)
    : await verifyInSteps(digest, tbs, publicKey.keyObject, signature);
}

async function verifyInSteps(
  digest: string,
  tbs: readonly Buffer[],
  key: Authority['certificate']['publicKey']['keyObject'],
  signature: Buffer,
): Promise<boolean> {
  const verifying = createVerify(digest);
  await inSteps(tbs, (step) => verifying.update(step));
  return verifying.verify(key, signature);
}

/**
 * Nothing is missing: what the table says must be there is, each once, and what was in the previous CRL and is not in this one
 * has expired or was released.
 * @param entries in chunks of whole entries
 * @param previous content of revokedCertificates in the previous CRL; undefined when there is none that can be read
 * @returns how many entries there are
 */
export async function checkEntries(
  session: Pick<CrlBuildSession, 'tally' | 'wronglyGone'>,
  entries: readonly Buffer[],
  previous: Buffer | undefined,
): Promise<number> {
  // Counts while we compare.
  const [tally, { count, octets }] = await both(
    session.tally(),
    compareEntries(previous ?? Buffer.alloc(0), entries, async (serials) =>
      refuseGone(await session.wronglyGone(serials), 'previous'),
    ),
  );
  refuseOther({ count, octets }, tally);
  return count;
}

/** A delta tells of all that changed since its base, each once. @param entries in chunks of whole entries */
export async function checkDelta(base: Pick<DeltaBase, 'tally'>, entries: readonly Buffer[]): Promise<void> {
  const [tally, found] = await both(
    base.tally(),
    compareEntries(Buffer.alloc(0), entries, async () => undefined),
  );
  refuseOther(found, tally);
}

function refuseOther({ count, octets }: Comparison, tally: Tally): void {
  if (tally.count === count && tally.octets === octets) return;
  throw new CrlCheckFailed(
    'missing',
    `The CRL has ${count} entries of ${octets} octets; the table has ${tally.count} of ${tally.octets}`,
  );
}

/**
 * The form without reason codes, which a Secret may carry in place of the complete one, lists the same certificates.
 * @param entries of the complete CRL, `count` of them, of a size that fits a Secret
 */
export async function checkCompact(
  entries: readonly Buffer[],
  count: number,
  compact: readonly Buffer[],
): Promise<void> {
  const found = await compareEntries(Buffer.concat(entries), compact, async (serials) =>
    refuseGone(serials, 'complete'),
  );
  if (found.count !== count)
    throw new CrlCheckFailed(
      'entries',
      `The compact CRL has ${found.count} entries, the complete one ${count}`,
    );
}

function refuseGone(serials: readonly Buffer[], from: 'previous' | 'complete'): void {
  if (serials.length === 0) return;
  const some = serials.slice(0, 3).map((serial) => serial.toString('hex'));
  throw new CrlCheckFailed(
    'missing',
    `${serials.length} entries of the ${from} CRL are missing, as ${some.join(', ')}`,
  );
}
