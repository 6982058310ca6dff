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
