import { toBase64Url } from './bytes.ts';
import type { HeadRow, QuarantinedRow, RowStore, RowWriter, RunRow } from './row-store.ts';
import type { LogName } from './version-vector.ts';

/** The reference engine: rows in maps, writes one after another, each undone when it throws. Lives as long as the object. */
export function createMemoryRowStore(): RowStore {
  const heads = new Map<LogName, HeadRow>();
  const runs = new Map<LogName, RunRow[]>();
  const byPosition: RunRow[] = [];
  const quarantined = new Map<string, QuarantinedRow>();
  const values = new Map<string, string>();
  let queue: Promise<unknown> = Promise.resolve();

  function inOrder<T>(body: () => Promise<T>): Promise<T> {
    const result = queue.then(body);
    queue = result.catch(() => undefined);
    return result;
  }

  return {
    read: (body) => inOrder(async () => body(createRows([]))),
    write: (_durability, body) =>
      inOrder(async () => {
        const undo: (() => void)[] = [];
        try {
          return await body(createRows(undo));
        } catch (error) {
          for (const step of undo.toReversed()) step();
          throw error;
        }
      }),
    close: async () => {
      await queue;
    },
  };

  function createRows(undo: (() => void)[]): RowWriter {
    return {
      head: (log) => heads.get(log),
      heads: () => [...heads.values()],
      runs(log, first, last, maxBytes) {
        const rows = runs.get(log) ?? [];
        const start = lowerBound(rows, (row) => row.first + row.count > first);
        const found: RunRow[] = [];
        let bytes = 0;
        for (let i = start; i < rows.length; i++) {
          const row = rows[i];
          if (row === undefined || row.first > last || (found.length > 0 && bytes + row.bytes.length > maxBytes)) break;
          found.push(row);
          bytes += row.bytes.length;
        }
        return found;
      },
      runsAfter(position, maxBytes) {
        const found: RunRow[] = [];
        let bytes = 0;
        for (let i = lowerBound(byPosition, (row) => row.position > position); i < byPosition.length; i++) {
          const row = byPosition[i];
          if (row === undefined || (found.length > 0 && bytes + row.bytes.length > maxBytes)) break;
          found.push(row);
          bytes += row.bytes.length;
        }
        return found;
      },
      quarantined: () => [...quarantined.values()],
      value: (name) => values.get(name),
      putHead: (row) => setWithUndo(heads, row.log, row, undo),
      putRun(row) {
        removeRun(row.log, row.first, undo);
        insertRun(row);
        undo.push(() => removeRun(row.log, row.first, []));
      },
      deleteRun: (log, first) => removeRun(log, first, undo),
      putQuarantined: (row) => setWithUndo(quarantined, `${row.log}:${row.first}:${toBase64Url(row.lastId)}`, row, undo),
      putValue: (name, value) => setWithUndo(values, name, value, undo),
    };
  }

  function insertRun(row: RunRow): void {
    const rows = runs.get(row.log) ?? [];
    runs.set(row.log, rows);
    rows.splice(lowerBound(rows, (other) => other.first > row.first), 0, row);
    byPosition.splice(lowerBound(byPosition, (other) => other.position > row.position), 0, row);
  }

  function removeRun(log: LogName, first: number, undo: (() => void)[]): void {
    const rows = runs.get(log) ?? [];
    const at = lowerBound(rows, (row) => row.first >= first);
    const removed = rows[at];
    if (removed?.first !== first) return;
    rows.splice(at, 1);
    byPosition.splice(lowerBound(byPosition, (row) => row.position >= removed.position), 1);
    undo.push(() => insertRun(removed));
  }
}

function setWithUndo<K, V>(map: Map<K, V>, key: K, value: V | undefined, undo: (() => void)[]): void {
  const before = map.get(key);
  undo.push(() => setOrDelete(map, key, before));
  setOrDelete(map, key, value);
}

function setOrDelete<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

/** The first index at which a sorted list's items start to satisfy `matches`. */
function lowerBound<T>(items: readonly T[], matches: (item: T) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && matches(item)) high = middle;
    else low = middle + 1;
  }
  return low;
}
