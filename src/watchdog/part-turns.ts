import type { WatchedPlace } from './content.ts';

export interface PartTurnsOptions {
  /** How many parts there are. */
  readonly count: number;
  /** The part to begin with; any number. */
  readonly first: number;
  /** As `WatchedPlace.id`. */
  idOf(index: number): string;
  placeOf(index: number): WatchedPlace;
}

/** The parts of one CRL at one address, some with each round. */
export interface PartTurns {
  /**
   * The places of the next round.
   * @param wasFaulty those that somebody else has told of before
   */
  next(wasFaulty: ReadonlySet<string>): readonly WatchedPlace[];
}

/** What is known to be wrong is told; to find all of it is not worth reading the whole list with each round. */
const mostDoubtful = 4;

/**
 * One part a round, so that a round costs the same however many there are.
 *
 * Each part is a place of its own, which has its address for a name: it is what stands in certificates, and what somebody who is
 * told of a fault asks for. A part that is well is no place any more when the next one has its turn: what was read of it hours ago
 * would only grow older. One that is not well stays, and is read with every round until it is well, so a fault lasts as long in
 * the table, in metrics and for an alert as it does in truth, whatever the other parts are like. When so many are not well that a
 * round would become long, the turn waits: it is an alert by then, and what is mended makes room.
 */
export function createPartTurns({ count, first, idOf, placeOf }: PartTurnsOptions): PartTurns {
  const doubtful = new Map<number, WatchedPlace>();
  let turn = first % count;

  /** The place of a part, which says by itself whether it is to be read again. */
  function open(index: number): WatchedPlace {
    const inner = placeOf(index);
    const place: WatchedPlace = {
      ...inner,
      async look(over) {
        const content = await inner.look(over);
        // Whoever judges it says so at once if it is not.
        doubtful.delete(index);
        return content;
      },
      doubt() {
        inner.doubt();
        doubtful.set(index, place);
      },
    };
    return place;
  }

  function recall(wasFaulty: ReadonlySet<string>): void {
    if (wasFaulty.size === 0) return;
    for (let index = 0; index < count && doubtful.size < mostDoubtful; index += 1)
      if (!doubtful.has(index) && wasFaulty.has(idOf(index))) doubtful.set(index, open(index));
  }

  function takeTurn(): readonly WatchedPlace[] {
    if (doubtful.size >= Math.min(mostDoubtful, count)) return [];
    while (doubtful.has(turn)) turn = (turn + 1) % count;
    const place = open(turn);
    turn = (turn + 1) % count;
    return [place];
  }

  return {
    next(wasFaulty) {
      recall(wasFaulty);
      return [...doubtful.values(), ...takeTurn()];
    },
  };
}
