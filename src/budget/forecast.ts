/** How large something was on a day, counted from any day on. */
export interface SizeOnDay {
  readonly day: number;
  readonly bytes: number;
}

/**
 * Days until the limit at the trend of what was seen (least squares), from the size as it is now. Null when nothing can be
 * told: less than two days known, or no growth.
 */
export function daysLeft(seen: readonly SizeOnDay[], leftBytes: number): number | null {
  const growth = bytesPerDay(seen);
  if (growth === undefined || growth <= 0) return null;
  return Math.max(0, Math.floor(leftBytes / growth));
}

function bytesPerDay(seen: readonly SizeOnDay[]): number | undefined {
  const mean = (of: (each: SizeOnDay) => number) =>
    seen.reduce((sum, each) => sum + of(each), 0) / seen.length;
  const day = mean((each) => each.day);
  const bytes = mean((each) => each.bytes);
  const spread = seen.reduce((sum, each) => sum + (each.day - day) ** 2, 0);
  if (spread === 0 || Number.isNaN(spread)) return undefined;
  return seen.reduce((sum, each) => sum + (each.day - day) * (each.bytes - bytes), 0) / spread;
}
