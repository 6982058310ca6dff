/** RFC 5280 4.1.2.2: 20 octets at most; one more for what others issued without care. */
const serialPattern = /^([0-9a-f]{2}){1,21}$/;

/** The octets of a serial in lower-case hex, or `undefined` when it is not one, so that nothing can have it. */
export function octetsOfSerial(serial: string): Buffer | undefined {
  return serialPattern.test(serial) ? Buffer.from(serial, 'hex') : undefined;
}
