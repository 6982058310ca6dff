import type { CertificateStore } from './certificates.ts';
import type { Database } from './database.ts';

type CertificateReader = Pick<
  CertificateStore,
  'findBySerial' | 'findByIdempotencyKey' | 'countExpiring' | 'deleteExpired'
>;

export declare function createCertificateReader(db: Database): CertificateReader;
