import { DerReader } from '../encoding/der-reader.ts';
import { tag } from '../encoding/tag.ts';
import type { Signed } from './signed.ts';

/** Takes SIGNED{} apart: exactly one SEQUENCE of a SEQUENCE, an AlgorithmIdentifier and a BIT STRING. Throws `DerError`. */
export function readSigned(der: Uint8Array): Signed & { readonly der: Buffer } {
  const outer = new DerReader(der);
  const whole = outer.element(tag.sequence);
  outer.finish();
  const signed = new DerReader(whole).sequence();
  const tbs = signed.element(tag.sequence);
  const signatureAlgorithm = signed.element(tag.sequence);
  const signature = signed.bitStringOctets();
  signed.finish();
  return { der: whole, tbs, signatureAlgorithm, signature };
}
