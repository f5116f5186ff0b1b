import { expect } from '@playwright/test';

import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { copyAll, openReader } from '../../support/node-replica.ts';
import type { Acknowledgement } from './kill-writers.ts';
import { SHARED } from './kill-writers.ts';
import type { LoggedEntry, WholeLog } from './sends-log.ts';
import { readLogs } from './sends-log.ts';
import { COLLECTION, readServerDisk, SPACE } from './sends-site.ts';

/** What a killed server left: its logs, verified anew, and its view as it stands there. */
export interface LeftBehind {
  readonly logs: readonly WholeLog[];
  readonly forks: number;
  /** What readers of its stored view would see. */
  readonly viewState: string;
  /** What folding its logs from the first entry on gives. */
  readonly foldState: string;
}

export function readLeftBehind(dataDir: string): Promise<LeftBehind> {
  return readServerDisk(dataDir, async ({ store, views }) => {
    const stored = await openReader(SPACE, store, views);
    const fold = await openReader(
      SPACE,
      createServingLogStore(createMemoryRowStore(), createNodeCrypto()),
      createMemoryViewStore(),
    );
    await fold.setAuthorities(stored.authorities());
    await copyAll({ store }, fold);
    return {
      logs: await readLogs(store, SPACE),
      forks: (await store.forks()).length,
      viewState: await stored.view.canonicalState(),
      foldState: await fold.view.canonicalState(),
    };
  });
}

/** Every acknowledged item was written by exactly the entry that was acknowledged; no item was written twice. */
export function expectEachOnce(logs: readonly WholeLog[], acknowledged: readonly Acknowledgement[]): void {
  const entriesByItem = Map.groupBy(logs.flatMap(itemsOf), ({ item }) => item);
  expect([...entriesByItem].filter(([, entries]) => entries.length > 1)).toEqual([]);
  expect(acknowledged.filter(({ item, entry }) => entriesByItem.get(item)?.[0]?.entry.id !== entry)).toEqual([]);
}

function itemsOf({ data }: WholeLog): { readonly item: string; readonly entry: LoggedEntry }[] {
  return data.flatMap((entry) =>
    entry.body.writes
      .map(([, key]) => ({ item: key.slice(COLLECTION.length + 1), entry }))
      .filter(({ item }) => item !== SHARED),
  );
}

/** In an order that does not depend on how they arrived. */
export function idsByLog(logs: readonly WholeLog[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(logs.toSorted((a, b) => (a.log < b.log ? -1 : 1)).map(({ log, ids }) => [log, ids]));
}
