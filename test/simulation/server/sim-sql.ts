import type { SQLInputValue } from 'node:sqlite';
import type { Awaitable } from '../../../core/log/bytes.ts';
import { createTurns } from '../../../core/engine/turns.ts';
import type { SqlTransactions } from '../../../server/push/subscription-store.ts';
import type { Sql } from '../../../server/storage/sql.ts';
import { createSql } from '../../../server/storage/sqlite-connection.ts';
import { openDatabase } from '../../../server/storage/sqlite-library.ts';
import type { DiskGate } from './disk-gate.ts';

/** The server's own tables: real SQLite in memory, which is synchronous and the same in every run. */
export interface SimSql {
  /** One program's way to them. What has resolved is durable. */
  readonly connect: () => SqlTransactions;
  /** For checkers: the epoch that was made with the database. */
  readonly baseEpoch: () => string | undefined;
  readonly backUp: () => SqlBackup;
  readonly restore: (backup: SqlBackup) => void;
}

/** Tables with their definitions and rows. */
export type SqlBackup = readonly {
  readonly name: string;
  readonly sql: string;
  readonly rows: readonly Record<string, SQLInputValue>[];
}[];

const READ_MS = 2;
const COMMIT_MS = 20;

export function createSimSql(gate: DiskGate): SimSql {
  const database = openDatabase(':memory:');
  const sql = createSql(database);
  const turns = createTurns();

  async function transact<T>(body: (sql: Sql) => Awaitable<T>): Promise<T> {
    database.exec('BEGIN');
    try {
      const result = await body(sql);
      database.exec('COMMIT');
      return result;
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  }

  function after<T>(mostMs: number, label: string, body: () => Promise<T>): Promise<T> {
    const failure = gate.call();
    return new Promise((resolve, reject) => {
      gate.later(mostMs, label, () => {
        if (failure === undefined) turns(body).then(resolve, reject);
        else reject(failure);
      });
    });
  }

  function backUp(): SqlBackup {
    const tables = database
      .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all() as { name: string; sql: string }[];
    return tables.map(({ name, sql: definition }) => ({
      name,
      sql: definition,
      rows: database.prepare(`SELECT * FROM "${name}"`).all() as Record<string, SQLInputValue>[],
    }));
  }

  return {
    connect: () => ({
      read: (body) => after(READ_MS, 'tables read', async () => body(sql)),
      transaction: (body) => after(COMMIT_MS, 'tables commit', () => transact(body)),
    }),
    baseEpoch() {
      if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'server_values'").get() === undefined)
        return undefined;
      const row = database.prepare("SELECT value FROM server_values WHERE name = 'epoch'").get() as
        | { value: string }
        | undefined;
      return row?.value;
    },
    backUp,
    restore(backup) {
      // Emptied, not dropped: statements that were prepared on a table stay good.
      for (const { name } of backUp()) database.exec(`DELETE FROM "${name}"`);
      for (const { name, sql: definition, rows } of backup) {
        database.exec(definition.replace(/^CREATE TABLE/, 'CREATE TABLE IF NOT EXISTS'));
        for (const row of rows) {
          const columns = Object.keys(row);
          const marks = columns.map(() => '?').join(', ');
          database
            .prepare(`INSERT INTO "${name}" (${columns.join(', ')}) VALUES (${marks})`)
            .run(...Object.values(row));
        }
      }
    },
  };
}
