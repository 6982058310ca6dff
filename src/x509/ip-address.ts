import { isIPv4, isIPv6 } from 'node:net';
import { DerError } from '../encoding/der-error.ts';

const MAPPED_PREFIX = '00000000000000000000ffff';

/** Text of 4 or 16 octets; IPv6 in the canonical form of RFC 5952. Throws `DerError` on any other length. */
export function formatIpAddress(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) throw new DerError('An IP address has neither 4 nor 16 octets', 0);
  // RFC 5952 section 5: an IPv4-mapped address shows its IPv4 part.
  if (octets.toString('hex', 0, 12) === MAPPED_PREFIX) return `::ffff:${octets.subarray(12).join('.')}`;
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(octets.readUInt16BE(at));
  const [start, length] = longestZeroRun(groups);
  const text = groups.map((group) => group.toString(16));
  if (length < 2) return text.join(':');
  return `${text.slice(0, start).join(':')}::${text.slice(start + length).join(':')}`;
}

/** The first of the longest runs of zero groups (RFC 5952 4.2.3). */
function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best[1]) best = [start, index + 1 - start];
  });
  return best;
}

/** 4 or 16 octets; undefined when the text is no address (a zone such as "%eth0" is none). */
export function parseIpAddress(text: string): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const plain =
    dotted === null ? text : `${dotted[1]}${hexPair(dotted[2], dotted[3])}:${hexPair(dotted[4], dotted[5])}`;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function hexPair(high = '0', low = '0'): string {
  return (Number(high) * 256 + Number(low)).toString(16);
}
