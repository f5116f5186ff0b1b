import type { Bytes } from '../../core/log/bytes.ts';
import { concat, toBase64Url } from '../../core/log/bytes.ts';
import { MAX_RUN_ENTRIES } from '../../core/log/limits.ts';
import type { QuarantinedRow, RowReader, RowStore, RowWriter, RunRow } from '../../core/log/row-store.ts';
import type { LogName, LogRange } from '../../core/log/version-vector.ts';
import type { LogRoom } from './begin-log.ts';
import type { Connection } from './indexeddb-connection.ts';
import type { RunHead, Schema, StoreName, Transaction } from './indexeddb-schema.ts';
import { LOG_STORES } from './indexeddb-schema.ts';
import { readTransaction, writeTransaction } from './indexeddb-transaction.ts';
import { splitBytes } from './pieces.ts';

/** Records asked for at once: few while their size is unknown, then about so many bytes of them. */
const FIRST_BATCH_RECORDS = 16;
const MOST_BATCH_RECORDS = 1_024;
const BATCH_BYTES = 2_097_152;

/** A log's rows in IndexedDB. `close` belongs to whoever opened the connection. */
export function createIndexedDbRowStore(connection: Connection<Schema>, close: () => Promise<void>): RowStore {
  return {
    read: (body) => readTransaction(connection, LOG_STORES, (tx) => body(createReader(tx))),
    write: (durability, body) =>
      writeTransaction(connection, LOG_STORES, durability, (tx) => body(createWriter(tx, connection.room))),
    close,
  };
}

function createReader(tx: Transaction<'readonly' | 'readwrite'>): RowReader {
  return {
    head: (log) => tx.objectStore('heads').get(log),
    heads: () => tx.objectStore('heads').getAll(),
    runs: (log, first, last, maxBytes) => readRuns(tx, log, first, last, maxBytes),
    arrivalsAfter: (position, limit) =>
      tx.objectStore('arrivals').getAll(IDBKeyRange.lowerBound(position, true), limit),
    quarantined: () => readQuarantined(tx),
    value: (name) => tx.objectStore('values').get(name),
    valuesUnder: (prefix) => readValuesUnder(tx, prefix),
  };
}

function createWriter(tx: Transaction<'readwrite'>, room: LogRoom): RowWriter {
  return {
    ...createReader(tx),
    putHead: (row) => issue(tx.objectStore('heads').put(row, row.log)),
    deleteHead: (log) => issue(tx.objectStore('heads').delete(log)),
    putRun({ log, first, count, lastId, bytes }, isNew = false) {
      const store = tx.objectStore('runs');
      room.use(bytes.length);
      const [piece, ...others] = splitBytes(bytes);
      // What it replaces may have had more pieces: a body that is erased must not stay behind.
      if (!isNew) issue(store.delete(piecesOf(log, first)));
      issue(store.put({ first, count, lastId, piece, more: others.length }, [log, first]));
      for (const [i, other] of others.entries()) issue(store.put(other, [log, first, i + 1]));
    },
    deleteRun: (log, first) => issue(tx.objectStore('runs').delete(piecesOf(log, first))),
    putArrival: (row) => issue(tx.objectStore('arrivals').put(row, row.position)),
    putQuarantined({ log, first, lastId, bytes }) {
      const store = tx.objectStore('quarantined');
      const id = toBase64Url(lastId);
      room.use(bytes.length);
      const [piece, ...others] = splitBytes(bytes);
      issue(store.put({ log, first, lastId, piece, more: others.length }, [log, first, id]));
      for (const [i, other] of others.entries()) issue(store.put(other, [log, first, id, i + 1]));
    },
    putValue(name, value) {
      const store = tx.objectStore('values');
      issue(value === undefined ? store.delete(name) : store.put(value, name));
    },
  };
}

/** Writes are not waited for one by one: one that fails aborts the transaction, and its end says why. */
function issue(request: Promise<unknown>): void {
  request.catch(() => undefined);
}

/** A key's record and all its further pieces: an array comes after every number. */
function piecesOf(...key: readonly IDBValidKey[]): IDBKeyRange {
  return IDBKeyRange.bound(key, [...key, []]);
}

async function readRuns(
  tx: Transaction<'readonly' | 'readwrite'>,
  log: LogName,
  first: number,
  last: number,
  maxBytes: number,
): Promise<RunRow[]> {
  // A key range must not be empty.
  if (last < first) return [];
  const range = { log, first, last };
  const rows = await readRunsFrom(tx, range, await firstOfRowWith(tx, log, first), maxBytes);
  if (first === 0 || (rows[0] !== undefined && rows[0].first <= first)) return rows;
  // Rows that were merged into one that begins before them are still there when a power cut tore that (LOG21).
  return readRunsFrom(tx, range, lowestWith(first), maxBytes);
}

async function readRunsFrom(
  tx: Transaction<'readonly' | 'readwrite'>,
  { log, first, last }: LogRange,
  begin: number,
  maxBytes: number,
): Promise<RunRow[]> {
  const store = tx.objectStore('runs');
  let from: IDBValidKey = [log, begin];
  let open = false;
  let records = maxBytes === 0 ? 1 : FIRST_BATCH_RECORDS;
  const rows: RunRow[] = [];
  let bytes = 0;
  for (;;) {
    const batch = await store.getAll(IDBKeyRange.bound(from, [log, last, []], open), records);
    const whole = await joinPieces(tx, log, batch);
    for (const row of whole) {
      if (row.first + row.count <= first) continue;
      if (rows.length > 0 && bytes + row.bytes.length > maxBytes) return rows;
      rows.push(row);
      bytes += row.bytes.length;
    }
    const end = whole.at(-1);
    if (batch.length < records || (end !== undefined && end.first >= last)) return rows;
    if (end === undefined) {
      // Nothing but pieces that belong to no row.
      records *= 2;
      continue;
    }
    [from, open] = [[log, end.first, []], true];
    records = recordsWorth(BATCH_BYTES, bytes / Math.max(rows.length, 1));
  }
}

function recordsWorth(bytes: number, averageBytes: number): number {
  return Math.min(MOST_BATCH_RECORDS, Math.max(1, Math.floor(bytes / Math.max(averageBytes, 1))));
}

/**
 * Where the row begins that holds an entry. It begins at most 255 before; keys alone are read ten times as fast as rows,
 * and in Firefox a cursor that steps back from the entry takes longer than all of them.
 */
async function firstOfRowWith(
  tx: Transaction<'readonly' | 'readwrite'>,
  log: LogName,
  sequence: number,
): Promise<number> {
  if (sequence === 0) return 0;
  const keys = await tx.objectStore('runs').getAllKeys(IDBKeyRange.bound([log, lowestWith(sequence)], [log, sequence]));
  return keys.at(-1)?.[1] ?? sequence;
}

function lowestWith(sequence: number): number {
  return Math.max(0, sequence - MAX_RUN_ENTRIES + 1);
}

/** Rows of a batch of records; pieces beyond its end are read in addition, and those of a row whose beginning a power cut took are passed over (LOG21). */
async function joinPieces(
  tx: Transaction<'readonly' | 'readwrite'>,
  log: LogName,
  records: readonly (RunHead | Bytes)[],
): Promise<RunRow[]> {
  const rows: RunRow[] = [];
  for (let i = 0; i < records.length; i++) {
    const head = records[i];
    if (head === undefined || head instanceof Uint8Array) continue;
    const { first, count, lastId, piece, more } = head;
    const others = records.slice(i + 1, i + 1 + more) as Bytes[];
    i += others.length;
    if (others.length < more) others.push(...(await morePieces(tx, 'runs', [log, first], others.length + 1)));
    rows.push({ log, first, count, lastId, bytes: more === 0 ? piece : concat(piece, ...others) });
  }
  return rows;
}

async function morePieces(
  tx: Transaction<'readonly' | 'readwrite'>,
  store: Extract<StoreName, 'runs' | 'quarantined'>,
  key: readonly IDBValidKey[],
  from: number,
): Promise<Bytes[]> {
  return (await tx.objectStore(store).getAll(IDBKeyRange.bound([...key, from], [...key, []]))) as Bytes[];
}

async function readValuesUnder(tx: Transaction<'readonly' | 'readwrite'>, prefix: string): Promise<[string, string][]> {
  const store = tx.objectStore('values');
  const last = prefix.charCodeAt(prefix.length - 1);
  const range = IDBKeyRange.bound(prefix, prefix.slice(0, -1) + String.fromCharCode(last + 1), false, true);
  const [names, values] = await Promise.all([store.getAllKeys(range), store.getAll(range)]);
  return names.map((name, i) => [name, values[i] ?? '']);
}

async function readQuarantined(tx: Transaction<'readonly' | 'readwrite'>): Promise<QuarantinedRow[]> {
  const records = await tx.objectStore('quarantined').getAll();
  const rows: QuarantinedRow[] = [];
  for (let i = 0; i < records.length; i++) {
    const head = records[i];
    if (head === undefined || head instanceof Uint8Array) continue;
    const { log, first, lastId, piece, more } = head;
    rows.push({ log, first, lastId, bytes: concat(piece, ...(records.slice(i + 1, i + 1 + more) as Bytes[])) });
    i += more;
  }
  return rows;
}
