import type { CertificateRecord, InsertOutcome } from './certificates.ts';
import type { Database } from './database.ts';

export declare function createCertificateInserter(
  db: Database,
): (record: CertificateRecord) => Promise<InsertOutcome>;
