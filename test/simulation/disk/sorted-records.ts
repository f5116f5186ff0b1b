import { storedBytes } from './clone.ts';
import { inside } from './fake-internals.ts';
import type { RawRecord, RecordsInside } from './fake-internals.ts';

/** The records of one object store, in place of fake-indexeddb's tree: a sorted array, which is read faster and copied at once. */
export interface SortedRecords extends RecordsInside {
  /** Approximate bytes of all keys and values. */
  readonly bytes: () => number;
  /** All records as of the last `settle`. */
  readonly committed: () => RawRecord[];
  /** Records that were put since the last `settle`, and are there. */
  readonly fresh: () => RawRecord[];
  /** What was changed so far is no transaction's any more. */
  readonly settle: () => void;
}

interface Change {
  readonly key: IDBValidKey;
  readonly before: RawRecord | undefined;
}

export function createSortedRecords(initial: readonly RawRecord[] = []): SortedRecords {
  let records = [...initial];
  let bytes = records.reduce((sum, record) => sum + sizeOf(record), 0);
  let changes: Change[] = [];

  function putInto(target: RawRecord[], record: RawRecord, noOverwrite: boolean): RawRecord | undefined {
    const at = lowerBound(target, record.key, false);
    const there = target[at];
    if (there === undefined || compareKeys(there.key, record.key) !== 0) {
      if (at === target.length) target.push(record);
      else target.splice(at, 0, record);
      return undefined;
    }
    if (noOverwrite) throw new DOMException('there is a record with this key', 'ConstraintError');
    target[at] = record;
    return there;
  }

  function endsOf(key: IDBValidKey | IDBKeyRange): readonly [from: number, to: number] {
    if (!(key instanceof inside.KeyRange)) return [lowerBound(records, key, false), lowerBound(records, key, true)];
    const { lower, upper, lowerOpen, upperOpen } = key;
    const from = lower === undefined ? 0 : lowerBound(records, lower as IDBValidKey, lowerOpen);
    const to = upper === undefined ? records.length : lowerBound(records, upper as IDBValidKey, !upperOpen);
    return [from, Math.max(from, to)];
  }

  return {
    get(key) {
      const [from, to] = endsOf(key);
      return from < to ? records[from] : undefined;
    },
    put(record, noOverwrite = false) {
      const before = putInto(records, record, noOverwrite);
      bytes += sizeOf(record) - (before === undefined ? 0 : sizeOf(before));
      changes.push({ key: record.key, before });
      return before;
    },
    delete(key) {
      const [from, to] = endsOf(key);
      if (from === to) return [];
      const deleted = records.splice(from, to - from);
      for (const record of deleted) {
        bytes -= sizeOf(record);
        changes.push({ key: record.key, before: record });
      }
      return deleted;
    },
    clear() {
      const deleted = records;
      [records, bytes] = [[], 0];
      for (const record of deleted) changes.push({ key: record.key, before: record });
      return deleted;
    },
    values(range, direction = 'next') {
      const [from, to] = range === undefined ? [0, records.length] : endsOf(range);
      return walk(records, from, to, direction.startsWith('prev'));
    },
    size: () => records.length,
    bytes: () => bytes,
    committed() {
      const copy = [...records];
      for (const { key, before } of changes.toReversed()) {
        if (before !== undefined) putInto(copy, before, false);
        else copy.splice(lowerBound(copy, key, false), 1);
      }
      return copy;
    },
    fresh() {
      const fresh = new Map<IDBValidKey, RawRecord>();
      for (const { key } of changes) {
        const at = lowerBound(records, key, false);
        const record = records[at];
        if (record !== undefined && compareKeys(record.key, key) === 0) fresh.set(record.key, record);
      }
      return [...fresh.values()];
    },
    settle() {
      if (changes.length > 0) changes = [];
    },
  };
}

/** Keys are unique, so that `nextunique` is `next`. The array may change between two steps only when nobody goes on. */
function* walk(records: readonly RawRecord[], from: number, to: number, isBackward: boolean): Generator<RawRecord> {
  if (isBackward) for (let i = to - 1; i >= from; i--) yield records[i] as RawRecord;
  else for (let i = from; i < to; i++) yield records[i] as RawRecord;
}

function sizeOf(record: RawRecord): number {
  record.bytes ??= storedBytes(record.key) + storedBytes(record.value);
  return record.bytes;
}

/** The first index whose key is not less than `key`; with `after`, greater than it. */
function lowerBound(records: readonly RawRecord[], key: IDBValidKey, after: boolean): number {
  let [low, high] = [0, records.length];
  // Most of what is written comes at the end.
  const last = records[high - 1];
  if (last === undefined || compareKeys(last.key, key) < 0) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compareKeys((records[middle] as RawRecord).key, key);
    if (order < 0 || (after && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const anyFactory = new inside.Factory();

/** The order of IndexedDB for keys that are valid. */
export function compareKeys(a: IDBValidKey, b: IDBValidKey): number {
  if ((typeof a === 'string' && typeof b === 'string') || (typeof a === 'number' && typeof b === 'number')) {
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (!Array.isArray(a) || !Array.isArray(b)) return anyFactory.cmp(a, b);
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = compareKeys(a[i] as IDBValidKey, b[i] as IDBValidKey);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
