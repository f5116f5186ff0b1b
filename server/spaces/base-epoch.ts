import type { Awaitable } from '../../core/log/bytes.ts';
import type { Crypto } from '../../core/log/crypto.ts';
import type { Sql } from '../storage/sql.ts';
import { newEpoch } from './open-space.ts';

/**
 * The epoch of the database file: made with it, so that a wiped server answers with another one. A space that was restored
 * has one of its own (SYNC4).
 */
export async function loadBaseEpoch(
  transaction: <T>(body: (sql: Sql) => Awaitable<T>) => Promise<T>,
  crypto: Crypto,
): Promise<string> {
  const fresh = newEpoch(crypto);
  return transaction((sql) => {
    sql.run('CREATE TABLE IF NOT EXISTS server_values (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT');
    sql.run('INSERT INTO server_values (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING', 'epoch', fresh);
    return sql.get<{ value: string }>('SELECT value FROM server_values WHERE name = ?', 'epoch')?.value ?? fresh;
  });
}
