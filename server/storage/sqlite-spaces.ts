import type { Awaitable } from '../../core/log/bytes.ts';
import { StorageGone } from '../../core/log/row-store.ts';
import type { Sql } from './sql.ts';

/** How a database is read and written: bodies on one consistent state, and bodies that become durable whole. */
export interface SqliteTransactions {
  readonly read: <T>(body: (sql: Sql) => Awaitable<T>) => Promise<T>;
  readonly write: <T>(body: (sql: Sql) => Awaitable<T>) => Promise<T>;
}

/** The same, for one space: a body is told its number, which marks its rows. */
export interface SpaceTransactions {
  readonly read: <T>(body: (sql: Sql, space: number) => Awaitable<T>) => Promise<T>;
  readonly write: <T>(body: (sql: Sql, space: number) => Awaitable<T>) => Promise<T>;
  readonly close: () => Promise<void>;
}

/** Matches no row: a space gets its number by its first write. */
const NO_SPACE = -1;

export function createSpaceTransactions({ read, write }: SqliteTransactions, name: string): SpaceTransactions {
  let known: number | undefined;
  let closed = false;
  function open(): void {
    if (closed) throw new StorageGone();
  }
  return {
    read: async (body) => {
      open();
      return read((sql) => {
        // What a reader sees is committed, so the number may be remembered; a writer's may yet be rolled back.
        known ??= spaceNumber(sql, name);
        return body(sql, known ?? NO_SPACE);
      });
    },
    write: async (body) => {
      open();
      return write((sql) => body(sql, known ?? spaceNumber(sql, name) ?? addSpace(sql, name)));
    },
    close: async () => {
      closed = true;
    },
  };
}

export function spaceNames(sql: Sql): string[] {
  return sql.all<{ name: string }>('SELECT name FROM spaces ORDER BY id').map(({ name }) => name);
}

function spaceNumber(sql: Sql, name: string): number | undefined {
  return sql.get<{ id: number }>('SELECT id FROM spaces WHERE name = ?', name)?.id;
}

function addSpace(sql: Sql, name: string): number {
  const row = sql.get<{ id: number }>('INSERT INTO spaces (name) VALUES (?) RETURNING id', name);
  if (row === undefined) throw new Error('a new space got no number');
  return row.id;
}
