import { StorageTooNew } from '../../core/log/row-store.ts';
import type { Sql } from './sql.ts';

/** "Wake", in the file's header: tells a Wakelog database from any other. */
const APPLICATION_ID = 0x57_61_6b_65;
const SCHEMA_VERSION = 1;

/**
 * One file holds many spaces. Rows of runs are in a table with a rowid, since large values make a WITHOUT ROWID tree deep;
 * the small rows of an arrival order lie in their key's order.
 */
const TABLES = [
  'CREATE TABLE spaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT',
  `CREATE TABLE heads (space INTEGER NOT NULL, log TEXT NOT NULL, floor INTEGER NOT NULL, sequence INTEGER NOT NULL,
    id BLOB NOT NULL, lamport INTEGER NOT NULL, loose_from INTEGER NOT NULL, loose_rows INTEGER NOT NULL,
    PRIMARY KEY (space, log)) STRICT, WITHOUT ROWID`,
  `CREATE TABLE runs (space INTEGER NOT NULL, log TEXT NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
    last_id BLOB NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (space, log, first)) STRICT`,
  `CREATE TABLE arrivals (space INTEGER NOT NULL, position INTEGER NOT NULL, log TEXT NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (space, position)) STRICT, WITHOUT ROWID`,
  `CREATE TABLE quarantined (space INTEGER NOT NULL, log TEXT NOT NULL, first INTEGER NOT NULL, last_id BLOB NOT NULL,
    bytes BLOB NOT NULL, PRIMARY KEY (space, log, first, last_id)) STRICT`,
  `CREATE TABLE named_values (space INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (space, name)) STRICT, WITHOUT ROWID`,
  `CREATE TABLE views (space INTEGER NOT NULL, view TEXT NOT NULL, checkpoint TEXT NOT NULL,
    PRIMARY KEY (space, view)) STRICT`,
  `CREATE TABLE shards (space INTEGER NOT NULL, view TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (space, view, key)) STRICT`,
];

/** Makes a new file's tables; refuses a file of a newer version, or of another program. */
export function prepareSchema(sql: Sql, path: string): void {
  if (schemaVersion(sql, path) === SCHEMA_VERSION) return;
  sql.run('BEGIN IMMEDIATE');
  try {
    // Again, now that nobody else writes: another process may just have made it.
    if (schemaVersion(sql, path) === 0) {
      for (const table of TABLES) sql.run(table);
      sql.run(`PRAGMA application_id = ${APPLICATION_ID}`);
      sql.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    }
    sql.run('COMMIT');
  } catch (error) {
    sql.run('ROLLBACK');
    throw error;
  }
}

/** 0 for a file without anything in it. */
function schemaVersion(sql: Sql, path: string): number {
  const application = sql.get<{ application_id: number }>('PRAGMA application_id')?.application_id;
  const version = sql.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0;
  if (application === APPLICATION_ID) {
    if (version > SCHEMA_VERSION) throw new StorageTooNew();
    return version;
  }
  const tables = sql.get<{ n: number }>('SELECT count(*) AS n FROM sqlite_schema')?.n ?? 0;
  if (application !== 0 || version !== 0 || tables > 0) throw new Error(`${path} is a database of another program`);
  return 0;
}
