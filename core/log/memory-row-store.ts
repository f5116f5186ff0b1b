import type { Bytes } from './bytes.ts';
import { toBase64Url } from './bytes.ts';
import type { ArrivalRow, HeadRow, QuarantinedRow, RowStore, RowWriter, RunRow } from './row-store.ts';
import { StorageFull, StorageGone } from './row-store.ts';
import type { LogName } from './version-vector.ts';

/** One store's rows, as an engine in memory keeps them. */
export interface MemoryRows {
  readonly heads: Map<LogName, HeadRow>;
  readonly runs: Map<LogName, RunRow[]>;
  readonly arrivals: ArrivalRow[];
  readonly quarantined: Map<string, QuarantinedRow>;
  readonly values: Map<string, string>;
  /** Of runs and quarantined runs. */
  bytes: number;
}

/**
 * The reference engine: rows in memory, writes one after another, each undone when it throws. Lives as long as the object.
 * With `maxBytes`, runs that exceed it in sum are refused as on a full disk.
 */
export function createMemoryRowStore({
  maxBytes = Number.POSITIVE_INFINITY,
}: { readonly maxBytes?: number } = {}): RowStore {
  const rows = createMemoryRows();
  let queue: Promise<unknown> = Promise.resolve();
  let closed = false;

  function inOrder<T>(body: () => Promise<T>): Promise<T> {
    if (closed) return Promise.reject(new StorageGone());
    const result = queue.then(body);
    queue = result.catch(() => undefined);
    return result;
  }

  return {
    read: (body) => inOrder(async () => body(createMemoryWriter(rows, []))),
    write: (_durability, body) =>
      inOrder(async () => {
        const undo: (() => void)[] = [];
        try {
          const result = await body(createMemoryWriter(rows, undo));
          if (rows.bytes > maxBytes) throw new StorageFull();
          return result;
        } catch (error) {
          for (const step of undo.toReversed()) step();
          throw error;
        }
      }),
    close: async () => {
      closed = true;
      await queue;
    },
  };
}

export function createMemoryRows(): MemoryRows {
  return {
    heads: new Map(),
    runs: new Map(),
    arrivals: [],
    quarantined: new Map(),
    values: new Map(),
    bytes: 0,
  };
}

/** Changes rows at once. The steps that undo it, in reverse order, are added to `undo`. */
export function createMemoryWriter(rows: MemoryRows, undo: (() => void)[]): RowWriter {
  const { heads, runs, arrivals, quarantined, values } = rows;
  return {
    head: (log) => heads.get(log),
    heads: () => [...heads.values()],
    runs: (log, first, last, maxBytes) => runsWithin(runs.get(log) ?? [], first, last, maxBytes),
    arrivalsAfter(position, limit) {
      const start = lowerBound(arrivals, (row) => row.position > position);
      return arrivals.slice(start, start + limit);
    },
    quarantined: () => [...quarantined.values()],
    value: (name) => values.get(name),
    valuesUnder: (prefix) => [...values].filter(([name]) => name.startsWith(prefix)),
    putHead: (row) => setWithUndo(heads, row.log, row, undo),
    deleteHead: (log) => setWithUndo(heads, log, undefined, undo),
    putRun(row) {
      removeRun(rows, row.log, row.first, undo);
      insertRun(rows, { ...row, bytes: ownCopy(row.bytes) });
      undo.push(() => removeRun(rows, row.log, row.first, []));
    },
    deleteRun: (log, first) => removeRun(rows, log, first, undo),
    putArrival(row) {
      arrivals.splice(
        lowerBound(arrivals, (other) => other.position > row.position),
        0,
        row,
      );
      undo.push(() => arrivals.splice(arrivals.indexOf(row), 1));
    },
    putQuarantined(row) {
      const name = `${row.log}:${row.first}:${toBase64Url(row.lastId)}`;
      addBytes(rows, row.bytes.length - (quarantined.get(name)?.bytes.length ?? 0), undo);
      setWithUndo(quarantined, name, { ...row, bytes: ownCopy(row.bytes) }, undo);
    },
    putValue: (name, value) => setWithUndo(values, name, value, undo),
  };
}

function runsWithin(rows: readonly RunRow[], first: number, last: number, maxBytes: number): RunRow[] {
  const found: RunRow[] = [];
  let bytes = 0;
  for (let i = lowerBound(rows, (row) => row.first + row.count > first); i < rows.length; i++) {
    const row = rows[i];
    if (row === undefined || row.first > last || (found.length > 0 && bytes + row.bytes.length > maxBytes)) break;
    found.push(row);
    bytes += row.bytes.length;
  }
  return found;
}

function insertRun(all: MemoryRows, row: RunRow): void {
  const rows = all.runs.get(row.log) ?? [];
  all.runs.set(row.log, rows);
  rows.splice(
    lowerBound(rows, (other) => other.first > row.first),
    0,
    row,
  );
  all.bytes += row.bytes.length;
}

function removeRun(all: MemoryRows, log: LogName, first: number, undo: (() => void)[]): void {
  const rows = all.runs.get(log) ?? [];
  const at = lowerBound(rows, (row) => row.first >= first);
  const removed = rows[at];
  if (removed?.first !== first) return;
  rows.splice(at, 1);
  all.bytes -= removed.bytes.length;
  undo.push(() => insertRun(all, removed));
}

function addBytes(rows: MemoryRows, count: number, undo: (() => void)[]): void {
  rows.bytes += count;
  undo.push(() => {
    rows.bytes -= count;
  });
}

/** Runs come as views of whole messages, which would stay in memory with them. */
function ownCopy(bytes: Bytes): Bytes {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
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
