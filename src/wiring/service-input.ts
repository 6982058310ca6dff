import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Logger } from '../observability/logger.ts';

/** What every part can be built from. */
export interface ServiceInput {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  readonly clock: Clock;
  /**
   * For tests that move the clock over months: how often CRLs that have become due are looked for, and what is published is read
   * back, in milliseconds. Default: as in production.
   */
  readonly lookMs?: number;
}
