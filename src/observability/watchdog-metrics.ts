import { Gauge, type Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import type { WatchdogFigures } from '../watchdog/watchdog.ts';
import type { Metrics } from './metrics.ts';

/** The series that tell what is really published. They are the watchdog's as of each scrape, so those of places that are gone end. */
export function watchdogMetrics(registers: Registry[], clock: Clock): Pick<Metrics, 'watchdog'> {
  let known: WatchdogFigures | undefined;
  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    collect: (gauge: Gauge, figures: WatchdogFigures) => void,
  ): void => {
    new Gauge({
      name: `internal_ca_${name}`,
      help,
      labelNames: [...labelNames],
      registers,
      collect() {
        if (labelNames.length === 0) this.remove();
        else this.reset();
        if (known !== undefined) collect(this, known);
      },
    });
  };
  gauge(
    'published_crl_seconds_to_next_update',
    'Seconds until the CRL that was last read at this place lapses; below zero every client is refused there.',
    ['place', 'authority'],
    (to, { crls }) => {
      for (const { place, authority, nextUpdate } of crls())
        to.set({ place, authority }, (nextUpdate.getTime() - clock.now()) / 1000);
    },
  );
  gauge(
    'published_fault',
    '1 for each place where something else was read than should be there.',
    ['place', 'finding'],
    (to, { faults }) => {
      for (const { place, finding } of faults()) to.set({ place, finding }, 1);
    },
  );
  gauge(
    'revocation_unlisted_seconds',
    'Seconds for which the newest CRL has been seen to lack a revocation, by the tables; 0 when it has all.',
    ['authority'],
    (to, { unlisted }) => {
      for (const { authority, seconds } of unlisted()) to.set({ authority }, seconds);
    },
  );
  gauge('watchdog_places', 'Places that the last round looked at.', [], (to, { places }) => to.set(places));
  gauge('watchdog_round_age_seconds', 'Seconds since every place was looked at.', [], (to, { roundAt }) =>
    to.set((clock.now() - roundAt) / 1000),
  );
  gauge(
    'watchdog_interval_seconds',
    'How often every place is looked at: WATCHDOG_INTERVAL, or an eighth of CRL_OVERLAP where that is less.',
    [],
    (to, { intervalSeconds }) => to.set(intervalSeconds),
  );
  return {
    watchdog(figures) {
      known = figures;
    },
  };
}
