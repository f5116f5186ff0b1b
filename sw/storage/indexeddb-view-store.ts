import type { ViewStore } from '../../core/views/view-store.ts';
import type { Connection } from './indexeddb-connection.ts';
import type { Schema, TextHead, Transaction } from './indexeddb-schema.ts';
import { VIEW_STORES } from './indexeddb-schema.ts';
import { readTransaction, writeTransaction } from './indexeddb-transaction.ts';
import { splitText } from './pieces.ts';

type TextStore = 'checkpoints' | 'shards';
type TextKey = [view: string] | [view: string, key: string];

/*
 * A power cut may leave the end of a transaction without its beginning: Chromium writes it by and by, and syncs only the file
 * that it wrote last (docs/reliability.md). So the first write of a commit is its seal, under [view] among the shards, and the
 * last one the beginning of the checkpoint, which it has to be of.
 */

/** So many are asked for as neighbours: all between the first and the last come by two requests instead of one for each. */
const MANY_KEYS = 8;

/** View rows in the log's own database, in stores of their own: a view's commit never waits for an append. */
export function createIndexedDbViewStore(connection: Connection<Schema>): ViewStore {
  return {
    open: (view) =>
      readTransaction(connection, VIEW_STORES, async (tx) => {
        const [checkpoint, seal, keys] = await Promise.all([
          readText(tx, 'checkpoints', [view]),
          tx.objectStore('shards').get([view]),
          tx.objectStore('shards').getAllKeys(shardsOf(view)),
        ]);
        if (checkpoint === undefined) return undefined;
        // Further pieces have a third member.
        const shards = keys.filter((key) => key.length === 2).map((key) => key[1]);
        return { checkpoint, shards, isTorn: seal !== sealOf(checkpoint) };
      }),
    shards: (view, keys) =>
      readTransaction(connection, VIEW_STORES, (tx) =>
        keys.length < MANY_KEYS
          ? Promise.all(keys.map((key) => readText(tx, 'shards', [view, key])))
          : readShards(tx, view, keys),
      ),
    commit: (view, { expected, checkpoint, put, remove }) =>
      writeTransaction(connection, VIEW_STORES, 'relaxed', async (tx) => {
        if ((await readText(tx, 'checkpoints', [view])) !== expected) return false;
        issue(tx.objectStore('shards').put(sealOf(checkpoint), [view]));
        // What the end of a drop has left.
        if (expected === undefined) issue(tx.objectStore('shards').delete(shardsOf(view)));
        for (const key of remove) issue(tx.objectStore('shards').delete(below([view, key])));
        for (const [key, text] of put) putText(tx, 'shards', [view, key], text);
        putText(tx, 'checkpoints', [view], checkpoint);
        for (const text of [checkpoint, ...put.values()]) connection.room.use(text.length);
        return true;
      }),
    drop: (view) =>
      writeTransaction(connection, VIEW_STORES, 'relaxed', (tx) => {
        issue(tx.objectStore('shards').delete(below([view])));
        issue(tx.objectStore('checkpoints').delete(below([view])));
      }),
  };
}

function putText(tx: Transaction<'readwrite'>, name: TextStore, key: TextKey, text: string): void {
  const store = tx.objectStore(name);
  const [piece, ...others] = splitText(text);
  issue(store.delete(below(key)));
  for (const [i, other] of others.entries()) issue(store.put(other, [...key, i + 1] as [string, string, number]));
  issue(store.put({ piece, more: others.length }, key));
}

/** Tells a checkpoint from the one before it, wherever they differ: a hash (FNV-1a), since a text in pieces has many ends. */
function sealOf(checkpoint: string): string {
  let hash = 0;
  for (let i = 0; i < checkpoint.length; i++) hash = Math.imul(hash ^ checkpoint.charCodeAt(i), 16_777_619);
  return `${checkpoint.length}:${hash}`;
}

async function readText(
  tx: Transaction<'readonly' | 'readwrite'>,
  name: TextStore,
  key: TextKey,
): Promise<string | undefined> {
  const store = tx.objectStore(name);
  const head = (await store.get(key)) as TextHead | undefined;
  if (head === undefined || head.more === 0) return head?.piece;
  const others = await store.getAll(IDBKeyRange.bound([...key, 1], [...key, []]));
  return [head.piece, ...(others as string[])].join('');
}

async function readShards(
  tx: Transaction<'readonly' | 'readwrite'>,
  view: string,
  keys: readonly string[],
): Promise<(string | undefined)[]> {
  const store = tx.objectStore('shards');
  const [first, last] = endsOf(keys);
  const range = IDBKeyRange.bound([view, first], [view, last, []]);
  const [foundKeys, found] = await Promise.all([store.getAllKeys(range), store.getAll(range)]);
  const texts = new Map<string, string>();
  for (const [i, [, key = '']] of foundKeys.entries()) {
    const value = found[i];
    // The first piece of a shard, or, of which there are few, a further one.
    if (typeof value === 'string') texts.set(key, (texts.get(key) ?? '') + value);
    else if (value !== undefined) texts.set(key, value.piece);
  }
  return keys.map((key) => texts.get(key));
}

/** The lowest and the highest in the order of the database. */
function endsOf(keys: readonly string[]): readonly [string, string] {
  let [first = '', last = ''] = [keys[0], keys[0]];
  for (const key of keys) {
    if (indexedDB.cmp(key, first) < 0) first = key;
    if (indexedDB.cmp(key, last) > 0) last = key;
  }
  return [first, last];
}

function shardsOf(view: string): IDBKeyRange {
  return IDBKeyRange.bound([view, ''], [view, []]);
}

/** A key and every longer one that begins with it: an array comes after every number and text. */
function below(key: TextKey): IDBKeyRange {
  return IDBKeyRange.bound(key, [...key, []]);
}

/** Writes are not waited for one by one: one that fails aborts the transaction, and its end says why. */
function issue(request: Promise<unknown>): void {
  request.catch(() => undefined);
}
