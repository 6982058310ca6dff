import { Gauge, type Registry } from 'prom-client';

/** Figures that cost a query. Each is asked for once at a time, however many scrapes come in. */
export interface ScrapeSources {
  /** Certificates of each authority that expire within each window and are not revoked. */
  expiring(): Promise<readonly ExpiringCount[]>;
  /** Enforced Ingresses per state, such as `enforced` or `drifted`. */
  enforced(): Promise<ReadonlyMap<string, number>>;
  /** Enforced Ingresses whose door does not do as wished, as last tried. */
  contradictedProbes(): Promise<number>;
  /** One round trip; a rejection means that the database is away. */
  pingDatabase(): Promise<void>;
  /** Of each authority's certificate. */
  lifetimes(): readonly AuthorityLifetime[];
  /** How long before its nextUpdate a CRL is signed anew. */
  readonly crlOverlapSeconds: number;
}

export type ExpiryWindow = '24h' | '7d' | '30d';

export interface ExpiringCount {
  readonly authority: string;
  readonly within: ExpiryWindow;
  readonly count: number;
}

export interface AuthorityLifetime {
  readonly authority: string;
  readonly secondsToExpiry: number;
}

/** The windows of `internal_ca_certificates_expiring`, in seconds. */
export const expiryWindows: Readonly<Record<ExpiryWindow, number>> = {
  '24h': 86_400,
  '7d': 604_800,
  '30d': 2_592_000,
};

/** A scrape does not wait longer than this. A figure that was not read by then is absent: its last value may be untrue by now. */
const sourceTimeoutMs = 2_000;

/** Registers the gauges whose figures come from `sources`. */
export function collectAtScrape(registers: Registry[], sources: ScrapeSources): void {
  const read = sourceReader(registers);
  collectCounts(registers, sources, read);
  collectStanding(registers, sources);
}

type Read = <T>(source: string, ask: () => Promise<T>) => () => Promise<T | undefined>;

/** Asks once at a time, and says of each source whether it answered. */
function sourceReader(registers: Registry[]): Read {
  const sources = new Map<string, () => Promise<unknown>>();
  new Gauge({
    name: 'internal_ca_scrape_source_up',
    help: '1 where the figures of this source could be read for this scrape, else 0 and they are absent.',
    labelNames: ['source'],
    registers,
    async collect() {
      const asked = [...sources].map(async ([source, ask]) => {
        this.set({ source }, (await ask()) === undefined ? 0 : 1);
      });
      await Promise.all(asked);
    },
  });
  return (source, ask) => {
    const askOnce = atMostOne(ask);
    sources.set(source, askOnce);
    return askOnce;
  };
}

function collectCounts(
  registers: Registry[],
  sources: Pick<ScrapeSources, 'expiring' | 'enforced' | 'contradictedProbes'>,
  read: Read,
): void {
  const expiring = read('expiring', () => sources.expiring());
  new Gauge({
    name: 'internal_ca_certificates_expiring',
    help: 'Certificates that expire within the window and are not revoked.',
    labelNames: ['authority', 'within'],
    registers,
    async collect() {
      const counts = await expiring();
      this.reset();
      for (const { authority, within, count } of counts ?? []) this.set({ authority, within }, count);
    },
  });
  const enforced = read('enforced', () => sources.enforced());
  new Gauge({
    name: 'internal_ca_ingress_enforced',
    help: 'Ingresses with client verification, by state. Absent where the states could not be read.',
    labelNames: ['state'],
    registers,
    async collect() {
      const states = await enforced();
      this.reset();
      for (const [state, count] of states ?? []) this.set({ state }, count);
    },
  });
  const contradicted = read('probes', () => sources.contradictedProbes());
  new Gauge({
    name: 'internal_ca_probe_contradictions',
    help: 'Enforced Ingresses whose door does not do as wished, as last tried; the same on every replica.',
    registers,
    async collect() {
      const count = await contradicted();
      this.remove();
      if (count !== undefined) this.set(count);
    },
  });
}

/** What the alerts of docs/operating.md hold the other figures against. */
function collectStanding(
  registers: Registry[],
  sources: Pick<ScrapeSources, 'pingDatabase' | 'lifetimes' | 'crlOverlapSeconds'>,
): void {
  const ping = atMostOne(async () => {
    await sources.pingDatabase();
    return true;
  });
  new Gauge({
    name: 'internal_ca_database_up',
    help: '1 while the database answers this process, else 0.',
    registers,
    async collect() {
      this.set((await ping()) === true ? 1 : 0);
    },
  });
  new Gauge({
    name: 'internal_ca_authority_seconds_to_expiry',
    help: "Seconds until the authority's own certificate expires; nothing it signed is valid after that.",
    labelNames: ['authority'],
    registers,
    collect() {
      for (const { authority, secondsToExpiry } of sources.lifetimes()) {
        this.set({ authority }, secondsToExpiry);
      }
    },
  });
  new Gauge({
    name: 'internal_ca_crl_overlap_seconds',
    help: 'How long before its nextUpdate a CRL is signed anew; less than that left means that this did not happen.',
    registers,
  }).set(sources.crlOverlapSeconds);
}

/** Runs `ask` once at a time and gives up waiting (not asking) after the timeout, with `undefined`. */
function atMostOne<T>(ask: () => Promise<T>): () => Promise<T | undefined> {
  let running: Promise<T | undefined> | undefined;
  return () => {
    running ??= Promise.resolve()
      .then(ask)
      .catch(() => undefined)
      .finally(() => {
        running = undefined;
      });
    return withTimeout(running, sourceTimeoutMs);
  };
}

function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    promise.then(resolve, () => resolve(undefined)).finally(() => clearTimeout(timer));
  });
}
