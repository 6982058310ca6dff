import pg from 'pg';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import type { RevocationReason } from '../../src/x509/revocation-reason.ts';

/** Revocations that no CRL lists yet, as after a few seconds of revoking. */
const pending = 10;

/**
 * Fills the table with what `count` revocations would have left, every second one with a reason. The certificates
 * themselves are left out (nothing here reads them), so the foreign key is not checked.
 */
export async function fillRevocations(url: string, authority: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('set session_replication_role = replica');
    await client.query(
      fillText,
      [authority, count, pending, around('superseded'), around('unspecified')].flat(),
    );
    // As autovacuum would have done by then.
    await client.query('vacuum analyze revocations');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

/** $4 to $7: the octets before and after the serial in an entry with a reason and in one without. */
const fillText = `
insert into revocations
  (serial, certificate_id, authority, entry, not_after, revoked_at, reason, requester, first_crl)
select serial, (select coalesce(max(certificate_id), 0) from revocations) + n, $1,
  case when n % 2 = 0 then $4::bytea || serial || $5::bytea else $6::bytea || serial || $7::bytea end,
  now() + interval '1 year', now(), case when n % 2 = 0 then 'superseded' else 'unspecified' end, 'bench',
  case when n > $3::int then 1 end
from (
  select n, set_byte(uuid_send(gen_random_uuid()), 0, 1 + n % 127) as serial
  from generate_series(1, $2::int) as n
) as generated`;

function around(reason: RevocationReason): [Buffer, Buffer] {
  const serial = Buffer.alloc(16, 0x5a);
  const entry = encodeRevokedEntry({ serial, revocationDate: new Date(), reason });
  const at = entry.indexOf(serial);
  return [entry.subarray(0, at), entry.subarray(at + serial.length)];
}
