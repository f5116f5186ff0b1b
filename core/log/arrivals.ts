import type { ArrivalRow, RowReader } from './row-store.ts';
import type { LogName, LogRange } from './version-vector.ts';

const ARRIVALS_AT_ONCE = 256;

/** The arrivals after a position, until their sizes together exceed `maxBytes`; at least one when there is one. */
export async function takeArrivals(rows: RowReader, position: number, maxBytes: number): Promise<ArrivalRow[]> {
  const taken: ArrivalRow[] = [];
  let bytes = 0;
  for (;;) {
    const next = await rows.arrivalsAfter(taken.at(-1)?.position ?? position, ARRIVALS_AT_ONCE);
    for (const arrival of next) {
      bytes += arrival.bytes;
      if (taken.length > 0 && bytes > maxBytes) return taken;
      taken.push(arrival);
    }
    if (next.length < ARRIVALS_AT_ONCE) return taken;
  }
}

/** The ranges that arrivals cover: each log's joined and in order, the logs by their first arrival. */
export function arrivalsToRanges(arrivals: readonly ArrivalRow[]): LogRange[] {
  const rangesByLog = new Map<LogName, LogRange[]>();
  for (const { log, first, last } of arrivals) {
    const ranges = rangesByLog.get(log) ?? [];
    rangesByLog.set(log, ranges);
    const before = ranges.at(-1);
    if (before !== undefined && before.last + 1 === first) ranges[ranges.length - 1] = { ...before, last };
    else ranges.push({ log, first, last });
  }
  return [...rangesByLog.values()].flatMap(joinOverlaps);
}

/** Bodies that came later make a log's ranges overlap. */
function joinOverlaps(ranges: readonly LogRange[]): LogRange[] {
  const joined: LogRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before === undefined || range.first > before.last + 1) joined.push(range);
    else joined[joined.length - 1] = { ...before, last: Math.max(before.last, range.last) };
  }
  return joined;
}
