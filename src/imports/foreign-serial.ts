import { octetsOfSerial } from '../store/serial.ts';
import { ImportProblem } from './import-problem.ts';

/**
 * The serial as it stands in rows, from hex of any length and case. Throws `ImportProblem` serial-unsupported for what is
 * negative or longer than rows and CRLs have it (RFC 5280 4.1.2.2: 20 octets; one more is let pass).
 */
export function foreignSerial(hex: string): string {
  const digits = hex.toLowerCase().replace(/^0+(?=.)/, '');
  const serial = digits.length % 2 === 0 ? digits : `0${digits}`;
  if (octetsOfSerial(serial) === undefined) {
    const shown = hex.length > 64 ? `${hex.slice(0, 64)}…` : hex;
    throw new ImportProblem('serial-unsupported', `The serial ${shown} is negative, or too long`);
  }
  return serial;
}

/** The same from the content of an INTEGER. */
export function foreignSerialOf(content: Buffer): string {
  if ((content[0] ?? 0) & 0x80) return foreignSerial(`-${content.toString('hex')}`);
  return foreignSerial(content.toString('hex'));
}
