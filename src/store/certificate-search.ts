import type { CertificateFilter, CertificatePage } from './certificates.ts';
import type { Database } from './database.ts';

export declare function searchCertificates(
  db: Database,
  filter: CertificateFilter,
  page: { readonly limit: number; readonly cursor?: string },
  now: Date,
): Promise<CertificatePage>;
