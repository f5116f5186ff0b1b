import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Replica } from '../../../core/engine/replica.ts';
import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import type { ServingLogStore } from '../../../core/log/log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { LogName } from '../../../core/log/version-vector.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { ViewStore } from '../../../core/views/view-store.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import type { Mark } from '../../../server/spaces/canary.ts';
import type { SqliteStore } from '../../../server/storage/sqlite-store.ts';
import { openSqliteStore } from '../../../server/storage/sqlite-store.ts';
import type { WholeLog } from '../../e2e/scenarios/sends-log.ts';
import { readLogs } from '../../e2e/scenarios/sends-log.ts';
import type { Scratch } from '../../platform/parts/scratch.ts';
import { copyAll, openReader } from '../../support/node-replica.ts';
import { COLLECTION } from './power-server.ts';
import { SHARED } from './power-writers.ts';

/** What a dead server left on its disk. */
export interface LeftBehind {
  /** By space and item: the ids of the entries that wrote it. */
  readonly entries: ReadonlyMap<string, readonly string[]>;
  /** Items in entries of the server's own that its canary file does not know of: nobody may have been told of them (SYNC4). */
  readonly uncovered: ReadonlySet<string>;
  /** Undefined when not even the database was made. */
  readonly epoch: string | undefined;
}

export function itemName(space: string, item: string): string {
  return `${space}/${item}`;
}

/**
 * Reads a copy of a data folder, so that the server does its recovery itself. Verifies what is there: every log from its
 * first entry to its head, no fork, each stored view the fold of its logs, each log enrolled by one whose key file is
 * there. Throws where it is not so.
 */
export async function readLeftBehind(scratch: Scratch, dataDir: string): Promise<LeftBehind> {
  const copy = join(scratch.folder('left-behind'), 'data');
  const path = join(copy, 'wakelog.sqlite');
  const found: Found = { entries: new Map(), uncovered: new Set() };
  if (existsSync(dataDir)) cpSync(dataDir, copy, { recursive: true });
  if (!existsSync(path)) return { ...found, epoch: undefined };
  const database = openSqliteStore(path);
  try {
    for (const space of await database.spaces()) await readSpace(database, readFiles(copy, space), found);
    return { ...found, epoch: await readEpoch(database) };
  } finally {
    await database.close();
  }
}

interface Found {
  readonly entries: Map<string, string[]>;
  readonly uncovered: Set<string>;
}

/** What the server keeps about a space beside the database. */
interface SpaceFiles {
  readonly space: string;
  /** Its own logs, the present one last. */
  readonly authorities: readonly LogName[];
  readonly canary: Mark | undefined;
}

function readFiles(dataDir: string, space: string): SpaceFiles {
  const file = `${createHash('sha256').update(space).digest('base64url')}.json`;
  const read = (folder: string): unknown => {
    const path = join(dataDir, folder, file);
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  };
  const keys = read('authority') as { readonly logs: readonly LogName[] } | undefined;
  return { space, authorities: keys?.logs ?? [], canary: read('canary') as Mark | undefined };
}

async function readSpace(database: SqliteStore, files: SpaceFiles, { entries, uncovered }: Found): Promise<void> {
  const { space, authorities, canary } = files;
  const { rows, views } = database.space(space);
  const store = createServingLogStore(rows, createNodeCrypto());
  const logs = await readLogs(store, space);
  for (const log of logs) {
    const isOwn = authorities.includes(log.log);
    const coveredTo = canary?.own?.log === log.log ? canary.own.sequence : -1;
    for (const { item, entry, sequence } of itemsOf(log)) {
      const name = itemName(space, item);
      entries.set(name, [...(entries.get(name) ?? []), entry]);
      if (isOwn && log.log === authorities.at(-1) && sequence > coveredTo) uncovered.add(name);
    }
  }
  if ((await store.forks()).length > 0) throw new Error(`${space}: a fork`);
  const epoch = await store.value('epoch');
  if (epoch !== undefined) throw new Error(`${space}: the server took another epoch (${epoch})`);
  const fold = await checkView(space, store, views);
  await fold.setAuthorities(authorities);
  for (const { log, data } of logs) {
    const isKnown = data.length === 0 || authorities.includes(log) || (await fold.view.account(log)) !== undefined;
    if (!isKnown) throw new Error(`${space}: log ${log} was enrolled by nobody whose key is known`);
  }
}

function itemsOf({ data }: WholeLog): { readonly item: string; readonly entry: string; readonly sequence: number }[] {
  return data.flatMap(({ id, sequence, body }) =>
    body.writes.flatMap((write) => {
      if (write[0] !== 'put' || write[1].startsWith(`${COLLECTION}/${SHARED}`)) return [];
      return [{ item: (write[2] as { readonly title: string }).title, entry: id, sequence }];
    }),
  );
}

/** The stored view is what folding the logs from their first entry on gives; the replica that folded them. */
async function checkView(space: string, store: ServingLogStore, viewStore: ViewStore): Promise<Replica> {
  const stored = await openReader(space, store, viewStore);
  const memory = createServingLogStore(createMemoryRowStore(), createNodeCrypto());
  const fold = await openReader(space, memory, createMemoryViewStore());
  await fold.setAuthorities(stored.authorities());
  await copyAll({ store }, fold);
  if ((await stored.view.canonicalState()) !== (await fold.view.canonicalState())) {
    throw new Error(`${space}: the stored view is not the fold of its logs`);
  }
  return fold;
}

/** None in a database that was not finished. */
async function readEpoch(database: SqliteStore): Promise<string | undefined> {
  return database.read((sql) => {
    const isMade = sql.get('SELECT name FROM sqlite_schema WHERE name = ?', 'server_values') !== undefined;
    if (!isMade) return undefined;
    return sql.get<{ value: string }>('SELECT value FROM server_values WHERE name = ?', 'epoch')?.value;
  });
}
