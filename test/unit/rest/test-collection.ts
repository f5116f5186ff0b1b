import { setTimeout as wait } from 'node:timers/promises';
import type { Replica } from '../../../core/engine/replica.ts';
import type { ServingReplica } from '../../support/node-replica.ts';
import { createReplica } from '../../../core/engine/create-replica.ts';
import { handleCollectionRequest } from '../../../core/engine/rest/collection.ts';
import type { RestOptions } from '../../../core/engine/rest/rest-message.ts';
import type { Json } from '../../../core/log/body.ts';
import { utf8, utf8ToText } from '../../../core/log/bytes.ts';
import type { WriterKey } from '../../../core/log/crypto.ts';
import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { ViewStore } from '../../../core/views/view-store.ts';
import { createNodeCrypto } from '../../../server/crypto/node-crypto.ts';
import { seedToWriterKey } from '../../../server/crypto/node-writer-key.ts';
import { bytesOf } from '../log/test-writer.ts';

/** What outlives a replica: opening it again on the same parts is a restart. */
export interface Disk {
  readonly rows: RowStore;
  readonly views: ViewStore;
  key: WriterKey | undefined;
}

export function createDisk(options: { readonly maxBytes?: number } = {}): Disk {
  return { rows: createMemoryRowStore(options), views: createMemoryViewStore(), key: undefined };
}

let writers = 0;

export async function openReplica(disk: Disk, account = 'ada'): Promise<ServingReplica> {
  const crypto = createNodeCrypto();
  const store = createServingLogStore(disk.rows, crypto);
  const replica = await createReplica({
    space: 'test space',
    account,
    device: 'test',
    store,
    viewStore: disk.views,
    mergeDurability: 'relaxed',
    ports: {
      crypto,
      clock: {
        now: () => 1_700_000_000_000,
        after: (delayMs, task) => {
          const stop = new AbortController();
          wait(delayMs, undefined, { signal: stop.signal, ref: false }).then(task, () => undefined);
          return () => stop.abort();
        },
      },
      random: () => 0.5,
      lock: (_name, body) => body(),
      writerKeys: {
        current: async () => disk.key,
        replace: async () => (disk.key = seedToWriterKey(bytesOf(`rest writer ${writers++}`))),
      },
    },
  });
  return { ...replica, store };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed body; undefined when there is none. */
  readonly json: Json | undefined;
}

export type Call = (
  method: string,
  path: string,
  body?: Json | Uint8Array<ArrayBuffer>,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

/** Calls the collection `/api/tasks` of a replica; a body of JSON comes with its content type. */
export function callerOf(replica: Replica, options: Partial<RestOptions> = {}): Call {
  let ids = 0;
  return async (method, path, body, headers = {}) => {
    const all: Record<string, string> =
      body === undefined ? headers : { 'content-type': 'application/json', ...headers };
    const response = await handleCollectionRequest(
      replica,
      '/api/tasks',
      {
        method,
        path,
        headers: (name) => all[name],
        body: body instanceof Uint8Array ? body : utf8(body === undefined ? '' : JSON.stringify(body)),
      },
      { newId: () => `new-${ids++}`, ...options },
    );
    const text = utf8ToText(response.body) ?? '';
    return {
      status: response.status,
      headers: response.headers,
      json: text === '' ? undefined : (JSON.parse(text) as Json),
    };
  };
}
