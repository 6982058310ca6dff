import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Authority } from '../../src/authority/authority.ts';
import { createAuthorityRegistry } from '../../src/authority/authority.ts';
import { integer, sequence, tlv } from '../../src/encoding/der-writer.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import { contextConstructed } from '../../src/encoding/tag.ts';
import type { ImportReport } from '../../src/imports/import-report.ts';
import { createImportService, type ImportService } from '../../src/imports/import-service.ts';
import { type CertificateStore, createCertificateStore } from '../../src/store/certificates.ts';
import type { Database } from '../../src/store/database.ts';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import { crlNumberExtension } from '../../src/x509/extensions.ts';
import { parseName } from '../../src/x509/name.ts';
import type { EntryReason } from '../../src/x509/revocation-reason.ts';
import { assembleSigned } from '../../src/x509/signed.ts';
import { encodeTime } from '../../src/x509/time.ts';
import { makeAuthority } from '../support/authority.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { createTestDatabase, type TestScope } from '../support/database.ts';
import { encodeTbsCertificate } from '../x509/ca-certificate.ts';

export const now = Date.UTC(2026, 10, 23, 12, 0, 0);
export const day = 86_400_000;

export interface ImportBench {
  readonly db: Database;
  readonly clock: TestClock;
  readonly authority: Authority;
  readonly certificates: CertificateStore;
  readonly service: ImportService;
  /** What was told of revocations: whether it is urgent. */
  readonly told: boolean[];
  /** What was told to count. */
  readonly counted: readonly ImportReport[];
  importCertificates(text: string | Buffer, dryRun?: boolean): Promise<ImportReport>;
  importIndex(text: string | Buffer, dryRun?: boolean): Promise<ImportReport>;
  importCrl(text: string | Buffer, dryRun?: boolean): Promise<ImportReport>;
}

export async function importBench(t: TestScope, authority?: Authority): Promise<ImportBench> {
  const { db } = await createTestDatabase(t);
  return await benchOn(db, authority ?? (await makeAuthority(now)));
}

export async function benchOn(db: Database, authority: Authority): Promise<ImportBench> {
  const clock = createTestClock(now);
  const told: boolean[] = [];
  const counted: ImportReport[] = [];
  const service = createImportService({
    authorities: createAuthorityRegistry([authority]),
    database: db,
    clock,
    onRevoked: (_name, urgent) => void told.push(urgent),
    onEnded: (report) => void counted.push(report),
  });
  const request = (text: string | Buffer, dryRun = false) => ({
    ...{ authority: authority.name, requester: 'token:i', dryRun },
    body: inChunks(text),
  });
  return {
    ...{ db, clock, authority, service, told, counted, certificates: createCertificateStore(db) },
    importCertificates: (text, dryRun) => service.importCertificates(request(text, dryRun)),
    importIndex: (text, dryRun) => service.importIndex(request(text, dryRun)),
    importCrl: (text, dryRun) => service.importCrl(request(text, dryRun)),
  };
}

/** In pieces that end anywhere. */
export async function* inChunks(content: string | Buffer, size = 777): AsyncGenerator<Buffer> {
  const octets = Buffer.from(content);
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size);
}

export const keyA = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
export const keyB = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;

export interface CertificateWish {
  readonly serial: string;
  readonly key?: KeyObject;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly subject?: Buffer;
  readonly extensions?: readonly Buffer[];
  /** In place of the authority's. */
  readonly issuer?: Buffer;
}

/** As somebody else would have made it. */
export async function foreignCertificate(authority: Authority, wish: CertificateWish): Promise<Buffer> {
  const { certificate, signer } = authority;
  const tbs = encodeTbsCertificate({
    serial: Buffer.from(wish.serial, 'hex'),
    signatureAlgorithm: signer.algorithm.der,
    issuer: wish.issuer ?? certificate.subject.der,
    notBefore: wish.notBefore ?? new Date(now - 100 * day),
    notAfter: wish.notAfter ?? new Date(now + 100 * day),
    subject: wish.subject ?? parseName(`CN=device ${wish.serial}`).der,
    spki: (wish.key ?? keyA).export({ type: 'spki', format: 'der' }),
    extensions: wish.extensions ?? [],
  });
  return assembleSigned(tbs, signer.algorithm.der, await signer.sign(tbs));
}

export const pemOf = (der: Buffer): string => encodePem('CERTIFICATE', der);

export interface EntryWish {
  readonly serial: string;
  readonly revokedAt: Date;
  readonly reason?: EntryReason;
}

/** As `openssl ca -gencrl` makes it: without a number unless one is given. */
export async function foreignCrl(
  { certificate, signer }: Authority,
  entries: readonly (EntryWish | Buffer)[],
  options: {
    readonly number?: bigint;
    readonly issuer?: Buffer;
    readonly extensions?: readonly Buffer[];
  } = {},
): Promise<Buffer> {
  const revoked = entries.map((entry) =>
    Buffer.isBuffer(entry)
      ? entry
      : encodeRevokedEntry({
          serial: Buffer.from(entry.serial, 'hex'),
          revocationDate: entry.revokedAt,
          ...(entry.reason && { reason: entry.reason }),
        }),
  );
  const extensions = [
    ...(options.number === undefined ? [] : [crlNumberExtension(options.number)]),
    ...(options.extensions ?? []),
  ];
  const tbs = sequence(
    ...(extensions.length > 0 ? [integer(1)] : []),
    signer.algorithm.der,
    options.issuer ?? certificate.subject.der,
    encodeTime(new Date(now - 400 * day)),
    encodeTime(new Date(now - 370 * day)),
    ...(revoked.length > 0 ? [sequence(...revoked)] : []),
    ...(extensions.length > 0 ? [tlv(contextConstructed(0), sequence(...extensions))] : []),
  );
  return assembleSigned(tbs, signer.algorithm.der, await signer.sign(tbs));
}

export interface LineWish {
  readonly serial: string;
  readonly flag?: string;
  readonly notAfter?: Date;
  readonly revoked?: string;
}

/** A line of index.txt. */
export function indexLine({
  serial,
  flag = 'R',
  notAfter = new Date(now + 100 * day),
  revoked = '',
}: LineWish): string {
  return `${flag}\t${openSslTime(notAfter)}\t${revoked}\t${serial.toUpperCase()}\tunknown\t/CN=device ${serial}\n`;
}

/** UTCTime as text. */
export function openSslTime(date: Date): string {
  return `${date.toISOString().slice(2, 19).replace(/[-T:]/g, '')}Z`;
}

/** Every row that an import can touch, but for numbers that only count up. */
export async function stateOf(db: Database): Promise<unknown> {
  return {
    revocations: await db.query({
      text: `select encode(r.serial, 'hex') as serial, encode(c.serial, 'hex') as certificate, r.authority, reason, revoked_at,
          r.not_after, encode(entry, 'hex') as entry, in_crl
        from revocations r left join certificates c on c.id = r.certificate_id order by 1`,
    }),
    certificates: await db.query({
      text: `select encode(serial, 'hex') as serial, encode(fingerprint, 'hex') as fingerprint, created_at
        from certificates order by 1`,
    }),
    blocked: await db.query({
      text: `select encode(spki_sha256, 'hex') as key from blocked_keys order by 1`,
    }),
    floors: await db.query({ text: 'select * from crl_number_floors order by 1' }),
  };
}

/** The same to the last byte, where nothing may have changed. */
export async function bytesOf(db: Database): Promise<unknown> {
  const tables = [
    'certificates',
    'revocations',
    'revocation_changes',
    'revocation_head',
    'blocked_keys',
    'crl_number_floors',
  ];
  return await Promise.all(
    tables.map((table) => db.query({ text: `select xmin::text, t.*::text from ${table} t order by 2` })),
  );
}

export const sha256Hex = (octets: Buffer): string => createHash('sha256').update(octets).digest('hex');
