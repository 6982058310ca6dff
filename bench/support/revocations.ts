import pg from 'pg';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import type { RevocationReason } from '../../src/x509/revocation-reason.ts';

/**
 * Fills the table with what `count` revocations would have left, every second one with a reason. The certificates
 * themselves are left out (nothing here reads them), so the foreign key is not checked. All of it is one change, which no CRL
 * tells of yet.
 */
export async function fillRevocations(url: string, authority: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('set session_replication_role = replica');
    await client.query(fillText, [authority, count, around('superseded'), around('unspecified')].flat());
    // As autovacuum would have done by then.
    await client.query('vacuum analyze revocations');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

/** $3 to $6: the octets before and after the serial in an entry with a reason and in one without. */
const fillText = `
with change as materialized (
  select nextval('revocation_change_ids') as id
), filled as (
  insert into revocations
    (serial, certificate_id, authority, entry, not_after, revoked_at, reason, requester, change_id)
  select serial, null, $1,
    case when n % 2 = 0 then $3::bytea || serial || $4::bytea else $5::bytea || serial || $6::bytea end,
    now() + interval '1 year', now(), case when n % 2 = 0 then 'superseded' else 'unspecified' end, 'bench', id
  from (
    select n, set_byte(uuid_send(gen_random_uuid()), 0, 1 + n % 127) as serial
    from generate_series(1, $2::int) as n
  ) as generated, change
), head as (
  update revocation_head set position = position + 1 returning position
) insert into revocation_changes (position, change_id) select position, id from head, change`;

function around(reason: RevocationReason): [Buffer, Buffer] {
  const serial = Buffer.alloc(16, 0x5a);
  const entry = encodeRevokedEntry({ serial, revocationDate: new Date(), reason });
  const at = entry.indexOf(serial);
  return [entry.subarray(0, at), entry.subarray(at + serial.length)];
}
