/** What a benchmark found: one table, and what the project aims at. */
export interface Report {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly aims: readonly Aim[];
  /** What a reader must know to read the figures. */
  readonly notes: readonly string[];
}

/** `key` names the figure in `--json`, where it keeps all its digits. */
export interface Column {
  readonly key: string;
  readonly heading: string;
  /** Default 0. */
  readonly decimals?: number;
}

/** A figure that could not be had (a program that is not installed) is left out. */
export type Row = Readonly<Record<string, string | number | undefined>>;

/** Said, never asserted: a busy machine must not fail a run. */
export interface Aim {
  readonly text: string;
  readonly met: boolean;
}

export function formatReport(report: Report): string {
  const cells = [
    report.columns.map(({ heading }) => heading),
    ...report.rows.map((row) => report.columns.map((column) => formatCell(row[column.key], column))),
  ];
  const widths = report.columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)));
  const lines = cells.map((line) =>
    line
      .map((cell, index) =>
        index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  const aims = report.aims.map(({ text, met }) => `aim: ${text}: ${met ? 'met' : 'not met in this run'}`);
  return [report.title, '', ...lines, '', ...aims, ...report.notes, ''].join('\n');
}

function formatCell(value: string | number | undefined, { decimals = 0 }: Column): string {
  if (value === undefined) return '-';
  if (typeof value === 'string') return value;
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** The middle one: a neighbour that takes the processor for a moment does not move it. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
