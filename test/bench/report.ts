/** One figure of a run, as `--json` writes it. */
export interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same job done raw, without any engine, in the same run and unit; null where there is nothing to compare with. */
  readonly limit: number | null;
  /** value / limit. */
  readonly ratio: number | null;
  readonly better: 'lower' | 'higher';
  /** Bounds of `ratio` where `unit` is ms, else of `value`. */
  readonly floor: number;
  readonly goal: number;
  readonly meetsFloor: boolean;
}

/** What a job measured, before it is judged. Medians over the runs. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 'entries/s' | 'bytes/entry';
  readonly limit: number | null;
  readonly floor: number;
  readonly goal: number;
  /** What was measured and how, and what else the run showed; one line. */
  readonly note: string;
}

export function judge({ name, value, unit, limit, floor, goal }: Measured): Result {
  const better = unit === 'entries/s' ? 'higher' : 'lower';
  const ratio = limit === null ? null : value / limit;
  const judged = unit === 'ms' ? (ratio ?? Number.NaN) : value;
  const meetsFloor = better === 'lower' ? judged <= floor : judged >= floor;
  return { name, value, unit, limit, ratio, better, floor, goal, meetsFloor };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - ((sorted.length + 1) % 2)], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error('a median of nothing');
  return (low + high) / 2;
}

/** A number with three digits that count, and thousands apart. */
export function short(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

export function table(measured: readonly Measured[]): string {
  const head = ['job', 'value', 'raw', 'ratio', 'floor', 'goal', ''];
  const rows = measured.map((one) => {
    const { name, value, unit, limit, ratio, better, floor, goal, meetsFloor } = judge(one);
    const sign = better === 'lower' ? '≤' : '≥';
    const times = unit === 'ms' ? '×' : '';
    return [
      name,
      `${short(value)} ${unit}`,
      limit === null ? '' : short(limit),
      ratio === null ? '' : `${short(ratio)}×`,
      `${sign} ${floor.toLocaleString('en')}${times}`,
      `${sign} ${goal.toLocaleString('en')}${times}`,
      meetsFloor ? 'ok' : 'MISSES ITS FLOOR',
    ];
  });
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, '', ...measured.map(({ name, note }) => `${name}: ${note}`)].join('\n');
}

export interface Progress {
  readonly say: (text: string) => void;
  readonly end: () => void;
}

/** One line on the error stream that is written over and over; where that is no terminal, a line each time. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  return {
    say: (text) => void stream.write(stream.isTTY ? `\r\u001B[K${text}` : `${text}\n`),
    end: () => void (stream.isTTY && stream.write('\r\u001B[K')),
  };
}
