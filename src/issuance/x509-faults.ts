import { DerError } from '../encoding/der-error.ts';
import { Fault, isFaultCode } from '../fault.ts';
import { X509Error } from '../x509/x509-error.ts';

/**
 * Runs `work` and turns what the pure parsers throw into the service's one error type. Every parser error is the
 * input's fault, so it can only become a 4xx.
 * @throws Fault
 */
export async function x509ErrorsAsFaults<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof X509Error) {
      // The parsers' other codes are about what an operator configures, never about a request.
      const code = isFaultCode(error.code) ? error.code : 'csr-malformed';
      throw new Fault(code, error.message, { field: error.field });
    }
    if (error instanceof DerError) throw new Fault('csr-malformed', error.message, { field: 'csr' });
    throw error;
  }
}
