/**
 * Lengths of time as people write them: ISO 8601 (`P90D`, `PT2.5S`) or a number of seconds.
 * A year counts 365 days and a month 30, always, so that a length never depends on the day it is read.
 */

const secondsPer = {
  years: 31_536_000,
  months: 2_592_000,
  weeks: 604_800,
  days: 86_400,
  hours: 3_600,
  minutes: 60,
};

const isoDuration =
  /^P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?$/;

/** Seconds in `text` (ISO 8601 duration, or decimal seconds), or `undefined` when it is neither. */
export function parseDuration(text: string): number | undefined {
  if (text.length > 64) return undefined;
  if (/^\d+(\.\d{1,3})?$/.test(text)) return finite(Number(text));
  const match = isoDuration.exec(text);
  if (match === null) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  return finite(
    part(1) * secondsPer.years +
      part(2) * secondsPer.months +
      part(3) * secondsPer.weeks +
      part(4) * secondsPer.days +
      part(5) * secondsPer.hours +
      part(6) * secondsPer.minutes +
      part(7),
  );
}

/** The shortest usual ISO 8601 form in days, hours, minutes and seconds: 604800 is `P7D`, 90 is `PT1M30S`. */
export function formatDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  const days = Math.floor(whole / secondsPer.days);
  const hours = Math.floor((whole % secondsPer.days) / secondsPer.hours);
  const minutes = Math.floor((whole % secondsPer.hours) / secondsPer.minutes);
  const rest = Number(((whole % secondsPer.minutes) + (seconds - whole)).toFixed(3));
  const time = `${hours > 0 ? `${hours}H` : ''}${minutes > 0 ? `${minutes}M` : ''}${rest > 0 ? `${rest}S` : ''}`;
  if (days === 0 && time === '') return 'PT0S';
  return `P${days > 0 ? `${days}D` : ''}${time === '' ? '' : `T${time}`}`;
}

function finite(seconds: number): number | undefined {
  return seconds <= Number.MAX_SAFE_INTEGER ? seconds : undefined;
}
