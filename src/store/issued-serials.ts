import { byteaArray } from './binary-array.ts';
import type { Database } from './database.ts';
import { octetsOfSerial } from './serial.ts';

/** A certificate that is in the records. */
export interface IssuedSerial {
  /** Lower-case hex. */
  readonly serial: string;
  readonly authority: string;
  readonly notAfter: Date;
}

export interface IssuedSerialStore {
  /** Those of `serials` that there are certificates of, in one query. @throws Fault database-unavailable */
  findIssued(serials: readonly string[]): Promise<readonly IssuedSerial[]>;
}

export function createIssuedSerialStore(db: Pick<Database, 'query'>): IssuedSerialStore {
  return {
    async findIssued(serials) {
      const octets = serials.map(octetsOfSerial).filter((serial) => serial !== undefined);
      const rows = await db.query<{ serial: string; authority: string; not_after: Date }>({
        name: 'certificates-issued',
        text: `select encode(serial, 'hex') as serial, authority, not_after
          from certificates where serial = any($1::bytea[])`,
        values: [byteaArray(octets)],
      });
      return rows.map(({ serial, authority, not_after }) => ({ serial, authority, notAfter: not_after }));
    },
  };
}
