import { byteaArray } from './binary-array.ts';
import type { ImportStep } from './import-change.ts';
import { lockRevocations, pageRows, reviseRevocations } from './import-rows.ts';
import { mergeRevocations } from './merge-revocations.ts';
import { insertRevocations } from './revocation-changes.ts';

/** Each time round, others have revoked or released some of these between two statements of ours. */
const patience = 10;

/**
 * Refuses these keys in every later CSR, and revokes with keyCompromise whatever unexpired certificate has one of them, revoked
 * for something else or not. @returns how many
 */
export async function compromiseKeys(step: ImportStep, keys: readonly Buffer[]): Promise<number> {
  if (keys.length === 0) return 0;
  const { tx, terms } = step;
  await tx.query({
    text: `insert into blocked_keys (spki_sha256, serial, blocked_at)
      select distinct on (spki_sha256) spki_sha256, serial, $2::timestamptz from certificates
      where spki_sha256 = any($1::bytea[]) order by spki_sha256, serial
      on conflict do nothing`,
    values: [byteaArray(keys), terms.now],
  });
  let count = 0;
  for (let idle = 0; idle < patience; ) {
    const page = await findSiblings(step, keys);
    if (page.length === 0) return count;
    const done = await compromise(step, page);
    count += done;
    idle = done === 0 ? idle + 1 : 0;
  }
  throw new Error('Revocations change faster than they can be read');
}

/** Which of these keys are blocked. */
export async function blockedAmong({ tx }: ImportStep, keys: readonly Buffer[]): Promise<Buffer[]> {
  if (keys.length === 0) return [];
  const rows = await tx.query<{ spki_sha256: Buffer }>({
    name: 'imports-blocked',
    text: 'select spki_sha256 from blocked_keys where spki_sha256 = any($1::bytea[])',
    values: [byteaArray(keys)],
  });
  return rows.map((row) => row.spki_sha256);
}

interface Sibling {
  readonly serial: string;
  readonly id: bigint;
  readonly authority: string;
  readonly notAfter: Date;
}

async function findSiblings({ tx, terms }: ImportStep, keys: readonly Buffer[]): Promise<Sibling[]> {
  const rows = await tx.query<{ serial: string; id: string; authority: string; not_after: Date }>({
    name: 'imports-siblings',
    text: `select encode(c.serial, 'hex') as serial, c.id::text, c.authority, c.not_after
      from certificates c left join revocations r on r.serial = c.serial
      where c.spki_sha256 = any($1::bytea[]) and c.not_after > $2
        and (r.serial is null or r.reason <> 'keyCompromise')
      order by c.serial limit ${pageRows}`,
    values: [byteaArray(keys), terms.now],
  });
  return rows.map(({ serial, id, authority, not_after }) => ({
    ...{ serial, authority, id: BigInt(id), notAfter: not_after },
  }));
}

async function compromise(step: ImportStep, page: readonly Sibling[]): Promise<number> {
  const { tx, terms, changeId } = step;
  const facts = { reason: 'keyCompromise', revokedAt: terms.now } as const;
  const rows = page.map(({ serial, id, authority, notAfter }) => ({
    ...{ serial, authority, notAfter, ...facts, requester: terms.requester, inCrl: true, certificateId: id },
    entry: terms.entryOf(serial, facts.revokedAt, facts.reason),
  }));
  const inserted = new Set(await insertRevocations(tx, rows, changeId));
  const standing = await lockRevocations(
    tx,
    page.map(({ serial }) => serial).filter((serial) => !inserted.has(serial)),
  );
  const revised = [...standing.values()].filter(({ reason }) => reason !== 'keyCompromise');
  await reviseRevocations(
    step,
    revised.map((row) => ({ ...row, ...mergeRevocations(row, facts), listed: false })),
  );
  return inserted.size + revised.length;
}
