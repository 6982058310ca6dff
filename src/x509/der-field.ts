import { DerError } from '../encoding/der-error.ts';
import { X509Error, type X509ErrorCode } from './x509-error.ts';

/** Runs `read`; a `DerError` in it becomes an `X509Error` with `code` that names `field`. */
export function readField<T>(code: X509ErrorCode, field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) throw new X509Error(code, `${field}: ${error.message}`, field, error);
    throw error;
  }
}
