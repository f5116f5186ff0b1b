import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Sql, SqlValue } from './sql.ts';
import { openDatabase } from './sqlite-library.ts';

export interface SqliteConnection {
  readonly sql: Sql;
  readonly isInTransaction: () => boolean;
  readonly close: () => void;
}

export interface ConnectionOptions {
  readonly maxBytes?: number | undefined;
  /** How long a statement may block the event loop while another process has the file to itself. */
  readonly busyTimeoutMs: number;
}

/** As `PRAGMA synchronous` counts: in WAL mode only FULL (2) makes each commit outlive a power cut. */
const SYNCHRONOUS_FULL = 2;
const PAGE_BYTES = 16_384;
const OPENING_TIMEOUT_MS = 5_000;

/**
 * Opens a connection whose commits are durable when they return: WAL and synchronous=FULL, set and then read back, since
 * SQLite ignores a PRAGMA that it does not understand or cannot obey.
 */
export function openSqliteConnection(path: string, options: ConnectionOptions): SqliteConnection {
  const { maxBytes, busyTimeoutMs } = options;
  const database = openDatabase(path);
  try {
    const sql = createSql(database);
    // Another process may be making the file.
    sql.get(`PRAGMA busy_timeout = ${OPENING_TIMEOUT_MS}`);
    sql.run(`PRAGMA page_size = ${PAGE_BYTES}`);
    sql.get('PRAGMA journal_mode = WAL');
    sql.run(`PRAGMA synchronous = ${SYNCHRONOUS_FULL}`);
    // macOS: fsync alone stops at the drive's own memory.
    sql.run('PRAGMA fullfsync = 1');
    sql.run('PRAGMA checkpoint_fullfsync = 1');
    if (maxBytes !== undefined) sql.get(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / PAGE_BYTES))}`);
    assertDurable(sql, path);
    sql.get(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    return { sql, isInTransaction: () => database.isTransaction, close: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
}

function assertDurable(sql: Sql, path: string): void {
  const journal = sql.get<{ journal_mode: string }>('PRAGMA journal_mode')?.journal_mode;
  const synchronous = sql.get<{ synchronous: number }>('PRAGMA synchronous')?.synchronous;
  if (journal === 'wal' && synchronous === SYNCHRONOUS_FULL) return;
  throw new Error(`${path} cannot be written durably: journal_mode is ${journal}, synchronous is ${synchronous}`);
}

/** Statements on a database, each prepared once. */
export function createSql(database: DatabaseSync): Sql {
  const statements = new Map<string, StatementSync>();
  function prepared(text: string): StatementSync {
    const known = statements.get(text);
    if (known !== undefined) return known;
    const statement = database.prepare(text);
    statements.set(text, statement);
    return statement;
  }
  const all: Sql['all'] = (text, ...values) => prepared(text).all(...values) as never;
  const get: Sql['get'] = (text, ...values) => prepared(text).get(...values) as never;
  function run(text: string, ...values: readonly SqlValue[]): void {
    prepared(text).run(...values);
  }
  return { all, get, run };
}

const BUSY = 5;
const NO_MEMORY = 7;
const INPUT_OUTPUT = 10;
const CORRUPT = 11;
const FULL = 13;

export function isBusy(error: unknown): boolean {
  return resultCode(error) === BUSY;
}

export function isDiskFull(error: unknown): boolean {
  return resultCode(error) === FULL;
}

/** Whether an error means that the whole transaction may be lost, and not just the statement that failed. */
export function isFatalToTransaction(error: unknown): boolean {
  const code = resultCode(error);
  return code === FULL || code === INPUT_OUTPUT || code === NO_MEMORY || code === CORRUPT;
}

/** The primary result code: extended ones keep it in their lowest byte. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}
