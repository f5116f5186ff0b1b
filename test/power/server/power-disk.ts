import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';

import { createReplica } from '../../../core/engine/create-replica.ts';
import type { Replica } from '../../../core/engine/replica.ts';
import { createLogStore } from '../../../core/log/create-log-store.ts';
import type { LogStore } from '../../../core/log/log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { ViewStore } from '../../../core/views/view-store.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { createNodePorts, createStoredWriterKeys } from '../../../server/device/node-ports.ts';
import type { SqliteStore } from '../../../server/storage/sqlite-store.ts';
import { openSqliteStore } from '../../../server/storage/sqlite-store.ts';
import type { WholeLog } from '../../e2e/scenarios/sends-log.ts';
import { readLogs } from '../../e2e/scenarios/sends-log.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import { copyAll } from '../../support/node-replica.ts';
import { COLLECTION } from './power-server.ts';
import { SHARED } from './power-writers.ts';

/** What a dead server left on its disk. */
export interface LeftBehind {
  /** By space and item: the ids of the entries that wrote it. */
  readonly entries: ReadonlyMap<string, readonly string[]>;
  /** Undefined when not even the database was made. */
  readonly epoch: string | undefined;
}

export function itemName(space: string, item: string): string {
  return `${space}/${item}`;
}

/**
 * Reads a copy of a data folder, so that the server does its recovery itself. Verifies what is there: every log from its
 * first entry to its head, no fork, each stored view the fold of its logs. Throws where it is not so.
 */
export async function readLeftBehind(scratch: Scratch, dataDir: string): Promise<LeftBehind> {
  const copy = join(scratch.folder('left-behind'), 'data');
  cpSync(dataDir, copy, { recursive: true });
  const path = join(copy, 'wakelog.sqlite');
  if (!existsSync(path)) return { entries: new Map(), epoch: undefined };
  const database = openSqliteStore(path);
  try {
    const entries = new Map<string, string[]>();
    for (const space of await database.spaces()) await readSpace(database, space, entries);
    return { entries, epoch: await readEpoch(database) };
  } finally {
    await database.close();
  }
}

async function readSpace(database: SqliteStore, space: string, entries: Map<string, string[]>): Promise<void> {
  const { rows, views } = database.space(space);
  const store = createLogStore(rows, createNodeCrypto());
  for (const log of await readLogs(store, space)) {
    for (const { item, entry } of itemsOf(log)) {
      const name = itemName(space, item);
      entries.set(name, [...(entries.get(name) ?? []), entry]);
    }
  }
  if ((await store.forks()).length > 0) throw new Error(`${space}: a fork`);
  const epoch = await store.value('epoch');
  if (epoch !== undefined) throw new Error(`${space}: the server took another epoch (${epoch})`);
  await checkView(space, store, views);
}

function itemsOf({ data }: WholeLog): { readonly item: string; readonly entry: string }[] {
  return data.flatMap(({ id, body }) =>
    body.writes.flatMap((write) => {
      if (write[0] !== 'put' || write[1].startsWith(`${COLLECTION}/${SHARED}`)) return [];
      return [{ item: (write[2] as { readonly title: string }).title, entry: id }];
    }),
  );
}

/** The stored view is what folding the logs from their first entry on gives. */
async function checkView(space: string, store: LogStore, viewStore: ViewStore): Promise<void> {
  const stored = await openReplicaOn(space, store, viewStore);
  const memory = createLogStore(createMemoryRowStore(), createNodeCrypto());
  const fold = await openReplicaOn(space, memory, createMemoryViewStore());
  await fold.setAuthorities(stored.authorities());
  await copyAll(stored, fold);
  if ((await stored.view.canonicalState()) !== (await fold.view.canonicalState())) {
    throw new Error(`${space}: the stored view is not the fold of its logs`);
  }
}

function openReplicaOn(space: string, store: LogStore, viewStore: ViewStore): Promise<Replica> {
  const ports = createNodePorts(createStoredWriterKeys(store));
  return createReplica({
    space,
    account: 'reader',
    device: 'reader',
    store,
    viewStore,
    ports,
    mergeDurability: 'strict',
  });
}

/** None in a database that was not finished. */
async function readEpoch(database: SqliteStore): Promise<string | undefined> {
  return database.read((sql) => {
    const isMade = sql.get('SELECT name FROM sqlite_schema WHERE name = ?', 'server_values') !== undefined;
    if (!isMade) return undefined;
    return sql.get<{ value: string }>('SELECT value FROM server_values WHERE name = ?', 'epoch')?.value;
  });
}
