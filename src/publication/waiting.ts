import { Fault } from '../fault.ts';

/** What has to happen before this write can succeed, when that is nobody's fault; undefined for a real failure. */
export function waitingFor(error: unknown): string | undefined {
  if (!(error instanceof Fault)) return undefined;
  const terminating = error.reasons.some(({ code }) => code === 'namespace-terminating');
  return error.code === 'namespace-not-found' || terminating ? error.message : undefined;
}
