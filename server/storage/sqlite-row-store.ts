import type { Bytes } from '../../core/log/bytes.ts';
import type {
  ArrivalRow,
  HeadRow,
  QuarantinedRow,
  RowReader,
  RowStore,
  RowWriter,
  RunRow,
} from '../../core/log/row-store.ts';
import type { LogName } from '../../core/log/version-vector.ts';
import type { Sql } from './sql.ts';
import type { SpaceTransactions } from './sqlite-spaces.ts';

/** Rows asked for at once while their size is unknown; later about so many bytes of them. */
const FIRST_BATCH_ROWS = 16;
const MOST_BATCH_ROWS = 1_024;
const BATCH_BYTES = 2_097_152;

/** One space's log in a SQLite file. Relaxed writes are as durable as strict ones: they share their commit. */
export function createSqliteRowStore({ read, write, close }: SpaceTransactions): RowStore {
  return {
    read: (body) => read((sql, space) => body(createReader(sql, space))),
    write: (_durability, body) => write((sql, space) => body(createWriter(sql, space))),
    close,
  };
}

type StoredHead = Omit<HeadRow, 'looseFrom' | 'looseRows'> & {
  readonly loose_from: number;
  readonly loose_rows: number;
};
type StoredRun = { readonly first: number; readonly count: number; readonly last_id: Bytes; readonly bytes: Bytes };

const HEAD_COLUMNS = 'log, floor, sequence, id, lamport, loose_from, loose_rows';

function createReader(sql: Sql, space: number): RowReader {
  return {
    head(log) {
      const row = sql.get<StoredHead>(`SELECT ${HEAD_COLUMNS} FROM heads WHERE space = ? AND log = ?`, space, log);
      return row && storedToHead(row);
    },
    heads: () => sql.all<StoredHead>(`SELECT ${HEAD_COLUMNS} FROM heads WHERE space = ?`, space).map(storedToHead),
    runs: (log, first, last, maxBytes) => readRuns(sql, space, log, first, last, maxBytes),
    arrivalsAfter: (position, limit) =>
      sql
        .all<ArrivalRow>(
          `SELECT position, log, first, last, bytes FROM arrivals WHERE space = ? AND position > ?
            ORDER BY position LIMIT ?`,
          space,
          position,
          limit,
        )
        .map((row) => ({ ...row })),
    quarantined: () =>
      sql
        .all<Omit<QuarantinedRow, 'lastId'> & { readonly last_id: Bytes }>(
          'SELECT log, first, last_id, bytes FROM quarantined WHERE space = ? ORDER BY log, first, last_id',
          space,
        )
        .map(({ log, first, last_id: lastId, bytes }) => ({ log, first, lastId, bytes })),
    valuesUnder: (prefix) =>
      sql
        .all<{ name: string; value: string }>('SELECT name, value FROM named_values WHERE space = ? AND name >= ? AND name < ?', space, prefix, after(prefix))
        .map(({ name, value }): [string, string] => [name, value]),
    value: (name) =>
      sql.get<{ value: string }>('SELECT value FROM named_values WHERE space = ? AND name = ?', space, name)?.value,
  };
}

function createWriter(sql: Sql, space: number): RowWriter {
  return {
    ...createReader(sql, space),
    putHead: ({ log, floor, sequence, id, lamport, looseFrom, looseRows }) =>
      sql.run(
        `INSERT OR REPLACE INTO heads (space, ${HEAD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        space,
        log,
        floor,
        sequence,
        id,
        lamport,
        looseFrom,
        looseRows,
      ),
    deleteHead: (log) => sql.run('DELETE FROM heads WHERE space = ? AND log = ?', space, log),
    putRun: ({ log, first, count, lastId, bytes }) =>
      sql.run(
        'INSERT OR REPLACE INTO runs (space, log, first, count, last_id, bytes) VALUES (?, ?, ?, ?, ?, ?)',
        space,
        log,
        first,
        count,
        lastId,
        bytes,
      ),
    deleteRun: (log, first) => sql.run('DELETE FROM runs WHERE space = ? AND log = ? AND first = ?', space, log, first),
    putArrival: ({ position, log, first, last, bytes }) =>
      sql.run(
        'INSERT OR REPLACE INTO arrivals (space, position, log, first, last, bytes) VALUES (?, ?, ?, ?, ?, ?)',
        space,
        position,
        log,
        first,
        last,
        bytes,
      ),
    putQuarantined: ({ log, first, lastId, bytes }) =>
      sql.run(
        'INSERT OR REPLACE INTO quarantined (space, log, first, last_id, bytes) VALUES (?, ?, ?, ?, ?)',
        space,
        log,
        first,
        lastId,
        bytes,
      ),
    putValue(name, value) {
      if (value === undefined) sql.run('DELETE FROM named_values WHERE space = ? AND name = ?', space, name);
      else sql.run('INSERT OR REPLACE INTO named_values (space, name, value) VALUES (?, ?, ?)', space, name, value);
    },
  };
}

function storedToHead({ log, floor, sequence, id, lamport, loose_from, loose_rows }: StoredHead): HeadRow {
  return { log, floor, sequence, id, lamport, looseFrom: loose_from, looseRows: loose_rows };
}

function readRuns(sql: Sql, space: number, log: LogName, first: number, last: number, maxBytes: number): RunRow[] {
  const rows: RunRow[] = [];
  let bytes = 0;
  let from = firstOfRowWith(sql, space, log, first);
  let limit = maxBytes === 0 ? 1 : FIRST_BATCH_ROWS;
  for (;;) {
    const batch = sql.all<StoredRun>(
      `SELECT first, count, last_id, bytes FROM runs WHERE space = ? AND log = ? AND first >= ? AND first <= ?
        ORDER BY first LIMIT ?`,
      space,
      log,
      from,
      last,
      limit,
    );
    for (const row of batch) {
      if (rows.length > 0 && bytes + row.bytes.length > maxBytes) return rows;
      rows.push({ log, first: row.first, count: row.count, lastId: row.last_id, bytes: row.bytes });
      bytes += row.bytes.length;
    }
    const end = batch.at(-1);
    if (end === undefined || batch.length < limit) return rows;
    from = end.first + 1;
    limit = Math.min(MOST_BATCH_ROWS, Math.max(1, Math.floor((BATCH_BYTES * rows.length) / Math.max(bytes, 1))));
  }
}

/** Where the row begins that holds an entry; the entry itself when none does. */
function firstOfRowWith(sql: Sql, space: number, log: LogName, sequence: number): number {
  const row = sql.get<{ first: number; count: number }>(
    'SELECT first, count FROM runs WHERE space = ? AND log = ? AND first <= ? ORDER BY first DESC LIMIT 1',
    space,
    log,
    sequence,
  );
  return row !== undefined && row.first + row.count > sequence ? row.first : sequence;
}

/** The least text that no text with this prefix reaches. */
function after(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
