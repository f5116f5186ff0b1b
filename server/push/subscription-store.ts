import type { Awaitable } from '../../core/log/bytes.ts';
import type { Sql } from '../storage/sql.ts';
import type { Subscription } from './subscription.ts';

/** A device wakes for a space in the name of an account. */
export interface SubscriptionOwner {
  readonly account: string;
  readonly device: string;
  readonly space: string;
}

export interface StoredSubscription {
  readonly owner: SubscriptionOwner;
  readonly subscription: Subscription;
}

/** The push subscriptions of a server, one for each owner; durable before anything resolves (PUSH1). */
export interface SubscriptionStore {
  /** `gone`: its push service ended that endpoint earlier, which browsers are not told; the owner needs a new one (PUSH5). */
  readonly put: (owner: SubscriptionOwner, subscription: Subscription) => Promise<'kept' | 'gone'>;
  readonly get: (owner: SubscriptionOwner) => Promise<Subscription | undefined>;
  readonly ofSpace: (space: string) => Promise<readonly StoredSubscription[]>;
  readonly remove: (owner: SubscriptionOwner) => Promise<void>;
  /** Forgets an endpoint, whoever owns it, and takes it no more: its push service said that it is gone. */
  readonly endEndpoint: (endpoint: string) => Promise<void>;
}

/** A database as this store needs it. */
export interface SqlTransactions {
  readonly read: <T>(body: (sql: Sql) => Awaitable<T>) => Promise<T>;
  readonly transaction: <T>(body: (sql: Sql) => Awaitable<T>) => Promise<T>;
}

/** An account that subscribes ever new devices loses the oldest. */
const MAX_DEVICES_PER_ACCOUNT = 64;
/** An older one that comes again costs one push more, and is then among the newest. */
const MAX_GONE_ENDPOINTS = 10_000;

interface Row {
  readonly space: string;
  readonly account: string;
  readonly device: string;
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

export async function openSubscriptionStore({ read, transaction }: SqlTransactions): Promise<SubscriptionStore> {
  await transaction((sql) => {
    sql.run(`CREATE TABLE IF NOT EXISTS push_subscriptions (id INTEGER PRIMARY KEY, space TEXT NOT NULL, account TEXT NOT NULL,
      device TEXT NOT NULL, endpoint TEXT NOT NULL, p256dh TEXT NOT NULL, auth TEXT NOT NULL,
      UNIQUE (space, account, device)) STRICT`);
    sql.run('CREATE INDEX IF NOT EXISTS push_subscriptions_by_endpoint ON push_subscriptions (endpoint)');
    sql.run(
      'CREATE TABLE IF NOT EXISTS push_gone_endpoints (id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL UNIQUE) STRICT',
    );
  });

  return {
    put: ({ space, account, device }, { endpoint, p256dh, auth }) =>
      transaction((sql) => {
        if (sql.get('SELECT id FROM push_gone_endpoints WHERE endpoint = ?', endpoint) !== undefined) return 'gone';
        sql.run(
          'DELETE FROM push_subscriptions WHERE space = ? AND account = ? AND device = ?',
          space,
          account,
          device,
        );
        sql.run(
          'INSERT INTO push_subscriptions (space, account, device, endpoint, p256dh, auth) VALUES (?, ?, ?, ?, ?, ?)',
          space,
          account,
          device,
          endpoint,
          p256dh,
          auth,
        );
        sql.run(
          `DELETE FROM push_subscriptions WHERE space = ? AND account = ? AND id NOT IN (SELECT id FROM push_subscriptions
            WHERE space = ? AND account = ? ORDER BY id DESC LIMIT ${MAX_DEVICES_PER_ACCOUNT})`,
          space,
          account,
          space,
          account,
        );
        return 'kept';
      }),
    get: ({ space, account, device }) =>
      read((sql) => {
        const where = 'WHERE space = ? AND account = ? AND device = ?';
        const row = sql.get<Row>(`SELECT * FROM push_subscriptions ${where}`, space, account, device);
        return row && toStored(row).subscription;
      }),
    ofSpace: (space) =>
      read((sql) => sql.all<Row>('SELECT * FROM push_subscriptions WHERE space = ? ORDER BY id', space).map(toStored)),
    remove: ({ space, account, device }) =>
      transaction((sql) =>
        sql.run(
          'DELETE FROM push_subscriptions WHERE space = ? AND account = ? AND device = ?',
          space,
          account,
          device,
        ),
      ),
    endEndpoint: (endpoint) =>
      transaction((sql) => {
        sql.run('DELETE FROM push_subscriptions WHERE endpoint = ?', endpoint);
        sql.run('INSERT OR REPLACE INTO push_gone_endpoints (endpoint) VALUES (?)', endpoint);
        sql.run(
          'DELETE FROM push_gone_endpoints WHERE id <= (SELECT max(id) FROM push_gone_endpoints) - ?',
          MAX_GONE_ENDPOINTS,
        );
      }),
  };
}

function toStored({ space, account, device, endpoint, p256dh, auth }: Row): StoredSubscription {
  return { owner: { space, account, device }, subscription: { endpoint, p256dh, auth } };
}
