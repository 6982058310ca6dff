import { Fault } from '../fault.ts';
import type { IssuedSerial, IssuedSerialStore } from '../store/issued-serials.ts';

/** Some 15 MB of them. */
const mostRemembered = 100_000;
/** In one query. */
const mostAtOnce = 500;
/** Who asks for more than the database can answer is told to come again. */
const mostWaiting = 5_000;

/** Which certificates we have issued, as the records say. */
export interface KnownCertificates {
  /**
   * Those of `serials` that are recorded, by serial. Asks the database only for what it has not told yet, in one query at a time
   * however many callers there are: strangers who ask for serials that they made up cannot keep it busy.
   * @throws Fault database-unavailable
   */
  find(serials: readonly string[]): Promise<ReadonlyMap<string, IssuedSerial>>;
}

interface Waiting {
  resolve(found: IssuedSerial | undefined): void;
  reject(error: unknown): void;
}

/** What was found is remembered, for a record stays until long after the certificate's end; what was not may be issued next. */
export function createKnownCertificates(store: IssuedSerialStore): KnownCertificates {
  const remembered = new Map<string, IssuedSerial>();
  let waiting = new Map<string, Waiting[]>();
  let asking = false;

  function recall(serial: string): IssuedSerial | undefined {
    const known = remembered.get(serial);
    if (known === undefined) return undefined;
    // A Map keeps the order of insertion: the first one is the one that was not asked for the longest.
    remembered.delete(serial);
    remembered.set(serial, known);
    return known;
  }

  function remember(known: IssuedSerial): void {
    remembered.set(known.serial, known);
    if (remembered.size <= mostRemembered) return;
    for (const oldest of remembered.keys()) {
      remembered.delete(oldest);
      return;
    }
  }

  function ask(serial: string): Promise<IssuedSerial | undefined> {
    return new Promise((resolve, reject) => {
      const others = waiting.get(serial);
      if (others === undefined && waiting.size >= mostWaiting) {
        reject(new Fault('database-unavailable', 'Too many certificates are being looked up'));
        return;
      }
      if (others === undefined) waiting.set(serial, [{ resolve, reject }]);
      else others.push({ resolve, reject });
      if (!asking) void askAll();
    });
  }

  async function askAll(): Promise<void> {
    asking = true;
    while (waiting.size > 0) await askSome();
    asking = false;
  }

  async function askSome(): Promise<void> {
    const all = [...waiting];
    const batch = new Map(all.slice(0, mostAtOnce));
    waiting = new Map(all.slice(mostAtOnce));
    try {
      const found = new Map((await store.findIssued([...batch.keys()])).map((one) => [one.serial, one]));
      for (const one of found.values()) remember(one);
      for (const [serial, askers] of batch) {
        for (const asker of askers) asker.resolve(found.get(serial));
      }
    } catch (error) {
      for (const asker of [...batch.values()].flat()) asker.reject(error);
    }
  }

  return {
    async find(serials) {
      const found = await Promise.all(serials.map((serial) => recall(serial) ?? ask(serial)));
      return new Map(found.filter((one) => one !== undefined).map((one) => [one.serial, one]));
    },
  };
}
