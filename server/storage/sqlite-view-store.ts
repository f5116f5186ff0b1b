import type { ViewStore } from '../../core/views/view-store.ts';
import type { Sql } from './sql.ts';
import type { SpaceTransactions } from './sqlite-spaces.ts';

/** One space's view rows, in the file of its log. */
export function createSqliteViewStore({ read, write }: SpaceTransactions): ViewStore {
  return {
    open: (view) =>
      read((sql, space) => {
        const checkpoint = readCheckpoint(sql, space, view);
        if (checkpoint === undefined) return undefined;
        const rows = sql.all<{ key: string }>('SELECT key FROM shards WHERE space = ? AND view = ?', space, view);
        return { checkpoint, shards: rows.map(({ key }) => key) };
      }),
    shards: (view, keys) =>
      read((sql, space) =>
        keys.map(
          (key) =>
            sql.get<{ text: string }>(
              'SELECT text FROM shards WHERE space = ? AND view = ? AND key = ?',
              space,
              view,
              key,
            )?.text,
        ),
      ),
    commit: (view, { expected, checkpoint, put, remove }) =>
      write((sql, space) => {
        if (readCheckpoint(sql, space, view) !== expected) return false;
        for (const key of remove) {
          sql.run('DELETE FROM shards WHERE space = ? AND view = ? AND key = ?', space, view, key);
        }
        for (const [key, text] of put) {
          sql.run('INSERT OR REPLACE INTO shards (space, view, key, text) VALUES (?, ?, ?, ?)', space, view, key, text);
        }
        sql.run('INSERT OR REPLACE INTO views (space, view, checkpoint) VALUES (?, ?, ?)', space, view, checkpoint);
        return true;
      }),
    drop: (view) =>
      write((sql, space) => {
        sql.run('DELETE FROM shards WHERE space = ? AND view = ?', space, view);
        sql.run('DELETE FROM views WHERE space = ? AND view = ?', space, view);
      }),
  };
}

function readCheckpoint(sql: Sql, space: number, view: string): string | undefined {
  return sql.get<{ checkpoint: string }>('SELECT checkpoint FROM views WHERE space = ? AND view = ?', space, view)
    ?.checkpoint;
}
