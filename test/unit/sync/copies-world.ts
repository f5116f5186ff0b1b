import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Canary, CanaryMark } from '../../../core/engine/canary.ts';
import { createReplica } from '../../../core/engine/create-replica.ts';
import { createExchange } from '../../../core/engine/exchange.ts';
import type { Transport } from '../../../core/engine/ports.ts';
import { readMemory } from '../../../core/engine/sync-memory.ts';
import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import type { LogRange } from '../../../core/log/version-vector.ts';
import { decodeSyncRequest, encodeSyncResponse } from '../../../core/protocol/codec.ts';
import { SYNC_CONTENT_TYPE } from '../../../core/protocol/limits.ts';
import type { Cursor } from '../../../core/protocol/messages.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { ViewStore } from '../../../core/views/view-store.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { nodeWriterSeeds } from '../../../server/crypto/node-writer-key.ts';
import { createNodePorts, createStoredWriterKeys } from '../../../server/device/node-ports.ts';
import { nodeFiles } from '../../../server/spaces/atomic-file.ts';
import { openSpace } from '../../../server/spaces/open-space.ts';
import type { Spaces } from '../../../server/spaces/spaces.ts';
import { createSpaces } from '../../../server/spaces/spaces.ts';
import type { Contributor } from '../../../server/sync/answer-sync.ts';
import { answerSync } from '../../../server/sync/answer-sync.ts';
import type { LiveFeed } from '../../../server/sync/live-feed.ts';
import { createLiveFeed } from '../../../server/sync/live-feed.ts';
import type { ServingReplica } from '../../support/node-replica.ts';
import { createCollectingLog } from '../server/start-server.ts';

const SPACE = 'garden';
const ACCOUNT = 'ann';
const PHONE = 'phone';
const MOST_ROUNDS = 500;
const crypto = createNodeCrypto();

/** A database that can be copied, as a backup or a cloned profile copies it. */
export interface Disk {
  readonly rows: RowStore;
  readonly copy: () => Promise<Disk>;
}

export function createDisk(): Disk {
  const rows = createMemoryRowStore();
  const names = new Set<string>();
  const recording: RowStore = {
    ...rows,
    write: (durability, body) =>
      rows.write(durability, (tx) =>
        body({
          ...tx,
          putValue(name, value) {
            names.add(name);
            return tx.putValue(name, value);
          },
        }),
      ),
  };

  async function copy(): Promise<Disk> {
    const to = createDisk();
    const found = await rows.read(async (tx) => {
      const heads = await tx.heads();
      const runs = await Promise.all(heads.map(async ({ log, floor, sequence }) => tx.runs(log, floor, sequence, Number.MAX_SAFE_INTEGER)));
      const values = await Promise.all([...names].map(async (name) => [name, await tx.value(name)] as const));
      return { heads, runs: runs.flat(), arrivals: await tx.arrivalsAfter(0, Number.MAX_SAFE_INTEGER), quarantined: await tx.quarantined(), values };
    });
    await to.rows.write('strict', async (tx) => {
      for (const head of found.heads) await tx.putHead(head);
      for (const run of found.runs) await tx.putRun(run, true);
      for (const arrival of found.arrivals) await tx.putArrival(arrival);
      for (const run of found.quarantined) await tx.putQuarantined(run);
      for (const [name, value] of found.values) await tx.putValue(name, value);
    });
    return to;
  }

  return { rows: recording, copy };
}

/** What becomes of one message. */
export type Fault = 'none' | 'request lost' | 'answer lost';

/** The real server's answers, without HTTP, on a disk that can be put back. */
export interface TestServer {
  readonly ask: (body: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>;
  /** A live connection of the devices named `phone`, from a cursor on: its frames, without what `phone` sent itself. */
  readonly listen: (cursor: Cursor, life: string) => Promise<{ readonly next: () => Promise<Uint8Array<ArrayBuffer> | 'level'> }>;
  readonly backup: () => Promise<Disk>;
  /** Starts again on another disk; the files beside the database stay. */
  readonly restore: (disk: Disk) => Promise<void>;
}

export function createTestServer(): TestServer {
  const dataDir = mkdtempSync(join(tmpdir(), 'wakelog-copies-'));
  const log = createCollectingLog([]);
  let disk = createDisk();
  let spaces = open();
  const feeds: { readonly life: string; readonly feed: LiveFeed }[] = [];

  function open(): Spaces {
    return createSpaces((name) => {
      const store = createServingLogStore(disk.rows, crypto);
      const parts = { store, viewStore: createMemoryViewStore(), files: nodeFiles, seeds: nodeWriterSeeds };
      return openSpace({ name, dataDir, baseEpoch: 'base', createPorts: createNodePorts, log, ...parts });
    }, log);
  }

  return {
    async ask(body) {
      const request = decodeSyncRequest(body);
      if (typeof request === 'string') throw new Error(request);
      const onCarried = (by: Contributor, ranges: readonly LogRange[]): void => {
        for (const { life, feed } of feeds) if (by.life === life) feed.noteCarried(ranges);
      };
      const context = { spaces, crypto, now: () => 1, mayWrite: () => true, validate: undefined, onNew: () => undefined, onCarried };
      return encodeSyncResponse(await answerSync(request, { account: ACCOUNT, read: () => true, write: () => true }, context));
    },
    async listen(cursor, life) {
      const feed = await spaces.use(SPACE, async (space) => createLiveFeed(space, cursor, () => 1));
      feeds.push({ life, feed });
      return {
        async next() {
          const frame = await feed.next();
          return frame === 'level' ? frame : encodeSyncResponse(frame);
        },
      };
    },
    backup: () => disk.copy(),
    async restore(other) {
      await spaces.close();
      disk = await other.copy();
      spaces = open();
    },
  };
}

/** What survives of a device beside its database. */
export interface CanaryBox extends Canary {
  readonly peek: () => CanaryMark | undefined;
  readonly writes: () => number;
}

export function createCanaryBox(mark?: CanaryMark): CanaryBox {
  let [kept, writes] = [mark, 0];
  return {
    read: async () => kept,
    async cover(now) {
      [kept, writes] = [now, writes + 1];
    },
    peek: () => kept,
    writes: () => writes,
  };
}

/** One life of one copy of the device. */
export interface Life {
  /** What the server knows it by. */
  readonly name: string;
  readonly replica: ServingReplica;
  /** Writes under a key of its own, and under one that all write. */
  readonly write: (id: string) => Promise<void>;
  readonly sync: (fault?: Fault) => Promise<string>;
  readonly takeLive: (frame: Uint8Array<ArrayBuffer>) => Promise<string>;
  /** Ids that readers see, each as often as it is live under its own key. */
  readonly seen: () => Promise<string[]>;
}

let lives = 0;

export async function startLife(server: TestServer, disk: Disk, canary?: Canary, device: string = PHONE, viewStore: ViewStore = createMemoryViewStore()): Promise<Life> {
  const store = createServingLogStore(disk.rows, crypto);
  const ports = { ...createNodePorts(createStoredWriterKeys(store)), ...(canary && { canary }) };
  const replica = { ...(await createReplica({ space: SPACE, account: ACCOUNT, device, store, viewStore, ports, mergeDurability: 'relaxed' })), store };
  let [fault, rounds]: [Fault, number] = ['none', 0];
  const transport: Transport = {
    async sync(body) {
      if (fault === 'request lost' || rounds++ > MOST_ROUNDS) throw new Error('out of reach');
      const answer = await server.ask(body);
      if (fault === 'answer lost') throw new Error('the answer is lost');
      return { status: 200, contentType: SYNC_CONTENT_TYPE, retryAfterMs: undefined, body: answer };
    },
    live: async () => 'ended',
  };
  const name = `life ${lives++}`;
  const exchange = createExchange({ replica, device, life: name, transport });
  return {
    name,
    replica,
    async write(id) {
      await replica.append([{ writes: [{ key: `own/${id}`, value: id }, { key: 'shared', value: id }] }]);
    },
    async sync(now = 'none') {
      [fault, rounds] = [now, 0];
      return (await exchange.run()).kind;
    },
    takeLive: async (frame) => (await exchange.takeLive(frame)).kind,
    async seen() {
      const items = await replica.view.items('own/');
      return items.flatMap(({ live }) => live.map(({ value }) => value as string)).toSorted();
    },
  };
}

/** The same database for a life that ends after so many writes. */
export function killAfter({ rows, copy }: Disk, writes: number): Disk {
  let left = writes;
  return { copy, rows: { ...rows, write: (durability, body) => (left-- > 0 ? rows.write(durability, body) : Promise.reject(new Error('killed'))) } };
}

/** Every replica, a new one included, sees these ids, each once, in the same state, and no log is stuck. */
export async function expectEverywhere(server: TestServer, ids: readonly string[], ...lives: readonly Life[]): Promise<void> {
  const fresh = await startLife(server, createDisk());
  await fresh.sync();
  for (const life of [fresh, ...lives]) {
    expect(await life.seen()).toEqual(ids);
    expect(await life.replica.view.canonicalState()).toBe(await fresh.replica.view.canonicalState());
    const { blocked, forked, moving } = await readMemory(life.replica.store);
    expect([blocked, forked, moving]).toEqual([{}, [], undefined]);
  }
}
