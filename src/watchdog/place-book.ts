import type { Clock } from '../clock.ts';
import type { SeenPlace } from '../store/published-places.ts';
import type { Content, WatchedPlace } from './content.ts';
import type { Judgement } from './judge.ts';
import type { CrlReading } from './read-crl.ts';

export interface PlaceBookParts {
  readonly clock: Clock;
  judge(place: WatchedPlace, content: Exclude<Content, { kind: 'gone' }>): Judgement;
  /** What time alone has made of it. */
  judgeAge(place: WatchedPlace, content: Exclude<Content, { kind: 'gone' }>): Judgement;
  /** What cannot be read counts as a fault after this time. */
  readonly unreadPatienceMs: number;
  /** A fault has begun, has become another one, or (`current`) has ended. */
  onTurn(place: WatchedPlace, judgement: Judgement): void;
}

/** What this process has seen of each place, and what it says of it. */
export interface PlaceBook {
  /** What was told of a place by whoever looked there before; it stands until we have seen for ourselves. */
  recall(place: WatchedPlace, seen: SeenPlace): void;
  /** @returns whether it is well; if not, whoever keeps the place should look, and we again after a while */
  read(place: WatchedPlace, content: Content): boolean;
  /** As `read`. What was seen before stands, and grows older. */
  unread(place: WatchedPlace, error: unknown): boolean;
  /** There are no other places than these. */
  retain(ids: ReadonlySet<string>): void;
  list(): readonly PlaceState[];
  /** Of what was read, and of what is told of. */
  seen(): readonly SeenPlace[];
  get(id: string): PlaceState | undefined;
}

export interface PlaceState extends SeenPlace {
  /** The CRLs that were read there last. */
  readonly crls: readonly CrlReading[];
}

interface Entry {
  readonly place: WatchedPlace;
  content?: Exclude<Content, { kind: 'gone' }>;
  /** Since when it could not be read. */
  unreadSince?: number | undefined;
  why: string;
  /** Since when what is there is not well. */
  illSince?: number | undefined;
  /** What is said of it. */
  told: Judgement;
  at: number;
}

/**
 * A fault is said when it has stood for the grace of its place: what was edited is put back within seconds, and what has just
 * become wanted is on its way. That a CRL is behind is known to have lasted already; that there is still one is not.
 */
export function createPlaceBook(parts: PlaceBookParts): PlaceBook {
  const { clock, unreadPatienceMs, onTurn } = parts;
  const entries = new Map<string, Entry>();

  function entryOf(place: WatchedPlace): Entry {
    const entry = entries.get(place.id) ?? { place, why: '', told: { finding: 'current' }, at: 0 };
    entries.set(place.id, entry);
    return entry;
  }

  function present({ place, content, unreadSince, why }: Entry): Judgement {
    if (unreadSince === undefined && content !== undefined) return parts.judge(place, content);
    // Whoever else may have renewed it: until that is seen, it is as old as it was.
    const age = content && parts.judgeAge(place, content);
    if (age?.detail !== undefined) return { ...age, detail: `${age.detail}, as far as is known: ${why}` };
    return { finding: 'unread', detail: why };
  }

  function hasLasted(entry: Entry, { finding }: Judgement): boolean {
    if (finding === 'current' || (finding === 'behind' && entry.place.wanted().mayHaveCrls)) return true;
    const [since, patience] =
      finding === 'unread'
        ? [entry.unreadSince, unreadPatienceMs]
        : [entry.illSince, entry.place.graceSeconds * 1000];
    return since !== undefined && clock.now() - since >= patience;
  }

  function assess(entry: Entry): boolean {
    const now = clock.now();
    const judgement = present(entry);
    const isWell = judgement.finding === 'current';
    entry.at = now;
    // That it cannot be read in between makes nobody well. A clock that was set back must not make a fault wait.
    if (judgement.finding !== 'unread')
      entry.illSince = isWell ? undefined : Math.min(entry.illSince ?? now, now);
    if (!hasLasted(entry, judgement)) return false;
    const before = entry.told;
    entry.told = judgement;
    if (before.finding !== judgement.finding) onTurn(entry.place, judgement);
    return isWell;
  }

  const crlsOf = ({ content }: Entry) => (content?.kind === 'content' ? content.crls : []);

  const seenOf = (entry: Entry): SeenPlace => {
    const crls = crlsOf(entry);
    const nextUpdate = Math.min(...crls.map((crl) => crl.nextUpdate.getTime()));
    const [first] = crls;
    return {
      place: entry.place.id,
      ...entry.told,
      at: new Date(entry.at),
      ...(first === undefined
        ? {}
        : { crlNumber: first.number.toString(), nextUpdate: new Date(nextUpdate) }),
    };
  };

  const stateOf = (entry: Entry): PlaceState => ({ ...seenOf(entry), crls: crlsOf(entry) });

  return {
    recall(place, { finding, detail, at }) {
      const told = { finding, ...(detail === undefined ? {} : { detail }) };
      const since = finding === 'unread' ? 'unreadSince' : 'illSince';
      entries.set(place.id, { place, why: detail ?? '', told, at: at.getTime(), [since]: at.getTime() });
    },
    read(place, content) {
      if (content.kind === 'gone') return entries.delete(place.id) || true;
      const entry = entryOf(place);
      entry.content = content;
      entry.unreadSince = undefined;
      return assess(entry);
    },
    unread(place, error) {
      const entry = entryOf(place);
      entry.why = error instanceof Error ? error.message : String(error);
      entry.unreadSince = Math.min(entry.unreadSince ?? clock.now(), clock.now());
      return assess(entry);
    },
    retain(ids) {
      for (const id of entries.keys()) if (!ids.has(id)) entries.delete(id);
    },
    list: () => [...entries.values()].map(stateOf),
    seen: () =>
      [...entries.values()]
        .filter(({ content, told }) => content !== undefined || told.finding !== 'current')
        .map(seenOf),
    get(id) {
      const entry = entries.get(id);
      return entry && stateOf(entry);
    },
  };
}
