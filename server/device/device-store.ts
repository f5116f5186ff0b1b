import { createMemoryRowStore } from '../../core/log/memory-row-store.ts';
import type { RowStore } from '../../core/log/row-store.ts';
import { createMemoryViewStore } from '../../core/views/memory-view-store.ts';
import type { ViewStore } from '../../core/views/view-store.ts';

export interface OpenStore {
  readonly rows: RowStore;
  readonly views: ViewStore;
  readonly close: () => Promise<void>;
}

/** `memory` lives as long as the object; a path is an SQLite file, made when it is missing. */
export type StoreChoice = 'memory' | { readonly path: string };

/** The store of one account and space: one file may hold several, each by itself. */
export async function openDeviceStore(store: StoreChoice, account: string, space: string): Promise<OpenStore> {
  if (store === 'memory') return { rows: createMemoryRowStore(), views: createMemoryViewStore(), close: async () => undefined };
  const { openSqliteStore } = await import('../storage/sqlite-store.ts');
  const database = openSqliteStore(store.path);
  const { rows, views } = database.space(JSON.stringify([account, space]));
  return { rows, views, close: () => database.close() };
}
