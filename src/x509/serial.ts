import { unsignedInteger } from '../encoding/der-writer.ts';

/** A serial number has 16 octets: 127 random bits, far above the 64 that keep a hash collision from being steered. */
export const SERIAL_OCTETS = 16;

/**
 * A serial from 16 random octets, which it keeps but for the top bit (positive) and a first octet of zero (so that every
 * serial has exactly 16 octets, and one hex form).
 */
export function serialFromRandom(random: Buffer): Buffer {
  if (random.length !== SERIAL_OCTETS) throw new RangeError(`A serial is made of ${SERIAL_OCTETS} octets`);
  const serial = Buffer.from(random);
  serial[0] = (serial[0] ?? 0) & 0x7f || 1;
  return serial;
}

/** RFC 5280 4.1.2.2 has 20, its sign included; somebody else's certificate that has one more must be revocable, too. */
const MAX_SERIAL_OCTETS = 21;

/**
 * INTEGER of a serial's octets. Zero is none that a CA may give, but scripts that begin with `echo 00 > serial` have given it (RFC
 * 5280 4.1.2.2: to be handled gracefully). Throws `RangeError` unless there are 1 to 21 octets.
 */
export function encodeSerial(serial: Buffer): Buffer {
  if (serial.length === 0 || serial.length > MAX_SERIAL_OCTETS) {
    throw new RangeError('A serial number has 1 to 21 octets');
  }
  return unsignedInteger(serial);
}
