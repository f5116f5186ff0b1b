import type { Awaitable } from '../../core/log/bytes.ts';
import type { RowStore } from '../../core/log/row-store.ts';
import { StorageGone } from '../../core/log/row-store.ts';
import type { ViewStore } from '../../core/views/view-store.ts';
import type { Sql } from './sql.ts';
import type { SqliteConnection } from './sqlite-connection.ts';
import { openSqliteConnection } from './sqlite-connection.ts';
import { createGroupCommit } from './sqlite-group-commit.ts';
import { createSqliteRowStore } from './sqlite-row-store.ts';
import { prepareSchema } from './sqlite-schema.ts';
import { createSpaceTransactions, spaceNames } from './sqlite-spaces.ts';
import { createSqliteViewStore } from './sqlite-view-store.ts';

export interface SqliteSpace {
  readonly rows: RowStore;
  readonly views: ViewStore;
}

/** A database file of many spaces. Everything that is written is durable before it resolves. */
export interface SqliteStore {
  /** A space's log and views. Closing it leaves the file open. */
  readonly space: (name: string) => SqliteSpace;
  /** The names of the spaces that hold something. */
  readonly spaces: () => Promise<readonly string[]>;
  /** For tables of the server's own: runs a body on one committed state. */
  readonly read: <T>(body: (sql: Sql) => Awaitable<T>) => Promise<T>;
  /**
   * For tables of the server's own: runs a body alone, in the same commit as everything else that waits. It awaits nothing
   * and has no effect but through `sql`: it may be run again.
   */
  readonly transaction: <T>(body: (sql: Sql) => Awaitable<T>) => Promise<T>;
  readonly close: () => Promise<void>;
}

export interface SqliteOptions {
  /** The file never grows beyond this; writes then reject with `StorageFull`. No bound by default. */
  readonly maxBytes?: number;
}

/**
 * Opens a database file, made if it is missing. Other processes may have it open too. Throws `StorageTooNew` for a file of
 * a newer version of Wakelog, and an explained error for one of another program.
 */
export function openSqliteStore(path: string, { maxBytes }: SqliteOptions = {}): SqliteStore {
  const [writer, reader] = openConnections(path, maxBytes);
  const group = createGroupCommit(writer);
  const inReadTurn = createReadTurns(reader);
  let closed: Promise<void> | undefined;

  async function read<T>(body: (sql: Sql) => Awaitable<T>): Promise<T> {
    if (closed !== undefined) throw new StorageGone();
    return inReadTurn(body);
  }

  async function transaction<T>(body: (sql: Sql) => Awaitable<T>): Promise<T> {
    if (closed !== undefined) throw new StorageGone();
    return group.write(body);
  }

  async function closeOnce(): Promise<void> {
    await group.idle();
    await inReadTurn(() => undefined);
    reader.close();
    writer.close();
  }

  const transactions = { read, write: transaction };
  return {
    space(name) {
      const space = createSpaceTransactions(transactions, name);
      return { rows: createSqliteRowStore(space), views: createSqliteViewStore(space) };
    },
    spaces: () => read(spaceNames),
    read,
    transaction,
    close: () => (closed ??= closeOnce()),
  };
}

function openConnections(path: string, maxBytes: number | undefined): readonly [SqliteConnection, SqliteConnection] {
  // The writer waits for others without blocking; a reader waits only while another process repairs the file.
  const writer = openSqliteConnection(path, { maxBytes, busyTimeoutMs: 0 });
  try {
    prepareSchema(writer.sql, path);
    // Of its own, so that nobody reads what is not committed yet.
    return [writer, openSqliteConnection(path, { busyTimeoutMs: 1_000 })];
  } catch (error) {
    writer.close();
    throw error;
  }
}

/** Reads one after another, each on one state of the database. */
function createReadTurns({ sql }: SqliteConnection): <T>(body: (sql: Sql) => Awaitable<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();

  async function turn<T>(body: (sql: Sql) => Awaitable<T>): Promise<T> {
    sql.run('BEGIN');
    try {
      return await body(sql);
    } finally {
      sql.run('COMMIT');
    }
  }

  return (body) => {
    const result = last.then(() => turn(body));
    last = result.catch(() => undefined);
    return result;
  };
}
