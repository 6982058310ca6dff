import type { Database } from '../store/database.ts';
import { serviceKey } from '../store/service-keys.ts';
import { createVerifyUrlFor, type VerifyUrlFor } from '../verification/verify-url.ts';
import type { ServiceInput } from './service-input.ts';

/** What proves that a URL for live verification is ours, and how such URLs are made. */
export interface VerifyUrls {
  /** Of every Ingress; the same on every replica. */
  readonly key: Buffer;
  /** Undefined without VERIFY_URL: no Ingress can be moved to live verification. */
  readonly urlFor: VerifyUrlFor | undefined;
}

export async function openVerifyUrls(
  { config, clock }: ServiceInput,
  database: Database,
): Promise<VerifyUrls> {
  const key = await serviceKey(database, clock, 'verify-ingress');
  const { url } = config.verification;
  return { key, urlFor: url === undefined ? undefined : createVerifyUrlFor(url, key) };
}
