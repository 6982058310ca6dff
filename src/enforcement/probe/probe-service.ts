import { Fault } from '../../fault.ts';
import type { VerificationRecord, VerificationRecords } from '../verification-records.ts';
import type { DetailedProbeReport } from './probe-report.ts';

/** Tries doors because somebody asks. */
export interface ProbeService {
  /**
   * Tries every host of an enforced Ingress now, and makes the result the standing report.
   * @throws Fault `client-verification-not-found`, `kubernetes-unavailable`, `kubernetes-forbidden`,
   * `database-unavailable`, `key-unavailable`, `draining`
   */
  probe(namespace: string, name: string): Promise<DetailedProbeReport>;
  /** Cuts short what is being tried. */
  close(): void;
}

export interface ProbeServiceParts {
  readonly records: Pick<VerificationRecords, 'find'>;
  tryDoor(record: VerificationRecord, signal: AbortSignal): Promise<DetailedProbeReport>;
  keep(record: VerificationRecord, report: DetailedProbeReport): Promise<void>;
}

/** Ingresses tried at the same time; who asks for more waits. */
const atOnce = 4;

export function createProbeService(parts: ProbeServiceParts): ProbeService {
  const closing = new AbortController();
  const running = new Map<string, Promise<DetailedProbeReport>>();
  const inTurn = limited(atOnce);

  async function tryNow(namespace: string, name: string): Promise<DetailedProbeReport> {
    const record = await parts.records.find(namespace, name);
    if (record === undefined) {
      const detail = `Client verification is not enforced on Ingress ${namespace}/${name}`;
      throw new Fault('client-verification-not-found', detail);
    }
    const report = await parts.tryDoor(record, closing.signal);
    await parts.keep(record, report);
    return report;
  }

  return {
    probe(namespace, name) {
      const key = `${namespace}/${name}`;
      const already = running.get(key);
      // The answer would be the same, and each try costs the door four connections a host.
      if (already !== undefined) return already;
      const probe = inTurn(() => tryNow(namespace, name)).finally(() => running.delete(key));
      running.set(key, probe);
      return probe;
    },
    close() {
      closing.abort(new Fault('draining', 'The probe was cut short'));
    },
  };
}

/** Runs at most `limit` pieces of work at the same time, in the order in which they came. */
function limited(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= limit) await new Promise<void>((go) => waiting.push(go));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
