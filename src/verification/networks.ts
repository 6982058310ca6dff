import { BlockList, isIP, isIPv4 } from 'node:net';

/** Whether an address lies in one of some networks. */
export interface Networks {
  /** @param address of the TCP connection, as `Socket.remoteAddress` gives it */
  include(address: string | undefined): boolean;
}

/**
 * @param ranges addresses or CIDR ranges
 * @throws RangeError naming the first that is neither
 */
export function parseNetworks(ranges: readonly string[]): Networks {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix, ...more] = range.split('/');
    const version = isIP(address);
    const bits = prefix === undefined ? (version === 4 ? 32 : 128) : Number(prefix);
    const fits = /^\d{1,3}$/.test(prefix ?? '0') && bits <= (version === 4 ? 32 : 128);
    if (version === 0 || more.length > 0 || !fits) {
      throw new RangeError(`${range} is neither an IP address nor a CIDR range`);
    }
    list.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6');
  }
  return {
    include(address) {
      if (address === undefined) return false;
      // A socket for both families shows IPv4 as ::ffff:192.0.2.1.
      const bare = address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address;
      return list.check(bare, isIPv4(bare) ? 'ipv4' : 'ipv6');
    },
  };
}
