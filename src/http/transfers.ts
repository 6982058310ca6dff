import type { Readable } from 'node:stream';
import { streamOf } from './byte-stream.ts';

export interface Transfers {
  /** A stream of `part`, which is of `octets`, at the pace of its reader. */
  start(octets: Buffer, part: Buffer): Readable;
}

/** Enough for a CRL of 1,000,000 entries in all of its forms, and an older one or two. */
const defaultHeldOctets = 256 * 1024 * 1024;

/**
 * Large answers under way. A reader that takes hours for a file keeps all of it in memory, also when a newer one is there long
 * since: without a bound, some slow readers of each CRL would hold every CRL of the day. So when the files under way are too
 * much together, the one started longest ago is broken off; its readers begin again with the newer.
 * @param heldOctets of different files; what is sent to many counts once
 */
export function createTransfers(heldOctets = defaultHeldOctets): Transfers {
  const underWay = new Map<Buffer, Set<Readable>>();

  function breakOffOldest(): void {
    let held = 0;
    for (const [octets, streams] of [...underWay].reverse()) {
      held += octets.length;
      // Never the newest: a file larger than the bound can still be had.
      if (held === octets.length || held <= heldOctets) continue;
      underWay.delete(octets);
      for (const stream of streams) stream.destroy(new Error('broken off for a newer file'));
    }
  }

  return {
    start(octets, part) {
      const streams = underWay.get(octets) ?? new Set();
      const stream = streamOf(part);
      streams.add(stream);
      underWay.delete(octets);
      underWay.set(octets, streams);
      stream.once('close', () => {
        streams.delete(stream);
        if (streams.size === 0 && underWay.get(octets) === streams) underWay.delete(octets);
      });
      breakOffOldest();
      return stream;
    },
  };
}
