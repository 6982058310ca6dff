import type { Config } from '../config/config.ts';

/** The least that WATCHDOG_INTERVAL may be. In seconds. */
const leastSeconds = 10;
const looksInOverlap = 8;

/**
 * How often to look, in seconds. What was read stands until the next look, and a CRL that was replaced meanwhile would seem to lapse:
 * with looks as far apart as CRL_OVERLAP is long, at each renewal. So some come in that time, whatever is configured.
 */
export function lookIntervalSeconds({ watchdog, crl }: Pick<Config, 'watchdog' | 'crl'>): number {
  const most = Math.floor(crl.overlapSeconds / looksInOverlap);
  return Math.max(leastSeconds, Math.min(watchdog.intervalSeconds, most));
}
