import type { Json } from '../../../core/log/body.ts';
import type { Commands, ReadAsk } from '../commands.ts';
import { checkView, keyOf, lastEntryOf, valueOf } from '../workload.ts';

/*
 * The same work without an engine: what IndexedDB itself takes. No hashes, no signatures, no history, no conflicts; values
 * packed as tightly as IndexedDB likes them.
 */
const PACK_BYTES = 49_152;
const STORE = 'packs';
/** As many values share one strict transaction as in the engine's group commit. */
const VALUES_PER_COMMIT = 4_096;

export async function rawPuts({ count }: Commands['rawPuts']['ask']): Promise<readonly number[]> {
  const database = await openAnew('raw-puts');
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const value = valueOf(i);
    const start = performance.now();
    await commit(database, 'strict', (store) => store.put(value, i));
    times.push(performance.now() - start);
  }
  const kept = await ended(database.transaction(STORE).objectStore(STORE).count());
  if (kept !== count) throw new Error(`${kept} of ${count} raw records are there`);
  database.close();
  return times;
}

export async function rawWrite({ name, workload }: Commands['rawWrite']['ask']): Promise<number> {
  const database = await openAnew(name);
  const values = Array.from(
    { length: workload.entries },
    (_, entry) => [keyOf(workload, entry), valueOf(entry)] as const,
  );
  const start = performance.now();
  for (let at = 0; at < values.length; at += VALUES_PER_COMMIT) {
    const packs = packsOf(values.slice(at, at + VALUES_PER_COMMIT));
    await commit(database, 'strict', (store) => packs.forEach((pack, i) => store.put(pack, [at, i])));
  }
  const ms = performance.now() - start;
  let kept = 0;
  for (const pack of await allPacks(database)) kept += (JSON.parse(pack) as unknown[]).length;
  if (kept !== workload.entries) throw new Error(`${kept} raw values are there`);
  await remove(database);
  return ms;
}

export async function rawKeep({ name, workload }: Commands['rawKeep']['ask']): Promise<null> {
  const database = await openAnew(name);
  const last = Array.from(
    { length: workload.keys },
    (_, key) => [keyOf(workload, key), valueOf(lastEntryOf(workload, key))] as const,
  );
  for (const pack of packsOf(last)) {
    const [first] = (JSON.parse(pack) as [string, Json][])[0] ?? [''];
    await commit(database, 'strict', (store) => store.put(pack, [first]));
  }
  database.close();
  return null;
}

export async function rawRead({ name, workload, what }: ReadAsk): Promise<number> {
  const wanted = keyOf(workload, workload.keys >> 1);
  const start = performance.now();
  const database = await open(name);
  const store = database.transaction(STORE).objectStore(STORE);
  const shown = new Map<string, Json>();
  if (what === 'all') {
    for (const pack of await ended(store.getAll()))
      for (const [key, value] of JSON.parse(pack as string) as [string, Json][]) shown.set(key, value);
  } else {
    // A reader without an index: the keys of all packs, then the one pack.
    const keys = await ended(store.getAllKeys(IDBKeyRange.upperBound([wanted])));
    const pack = await ended(store.get(keys.at(-1) ?? ['']));
    for (const [key, value] of JSON.parse(pack as string) as [string, Json][])
      if (key === wanted) shown.set(key, value);
  }
  const ms = performance.now() - start;
  if (what === 'all') checkView(workload, shown);
  else if (JSON.stringify(shown.get(wanted)) !== JSON.stringify(valueOf(lastEntryOf(workload, workload.keys >> 1))))
    throw new Error('another value was read');
  database.close();
  return ms;
}

export async function rawDownload({ urls }: Commands['rawDownload']['ask']): Promise<number> {
  const database = await openAnew('raw-download');
  let bytes = 0;
  const start = performance.now();
  for (const [at, url] of urls.entries()) {
    const body = await (await fetch(url, { cache: 'no-store' })).arrayBuffer();
    bytes += body.byteLength;
    await commit(database, 'relaxed', (store) => {
      for (let from = 0; from < body.byteLength; from += PACK_BYTES)
        store.put(new Uint8Array(body.slice(from, from + PACK_BYTES)), [at, from]);
    });
  }
  const ms = performance.now() - start;
  const packs = (await ended(database.transaction(STORE).objectStore(STORE).getAll())) as Uint8Array[];
  const kept = packs.reduce((total, pack) => total + pack.length, 0);
  if (bytes === 0 || kept !== bytes) throw new Error(`${kept} of ${bytes} bytes are there`);
  await remove(database);
  return ms;
}

function packsOf(values: readonly (readonly [string, Json])[]): string[] {
  const packs: string[] = [];
  let [texts, chars]: [string[], number] = [[], 0];
  for (const value of values) {
    const text = JSON.stringify(value);
    if (chars + text.length > PACK_BYTES) {
      packs.push(`[${texts.join(',')}]`);
      [texts, chars] = [[], 0];
    }
    texts.push(text);
    chars += text.length + 1;
  }
  return [...packs, `[${texts.join(',')}]`];
}

async function allPacks(database: IDBDatabase): Promise<string[]> {
  return (await ended(database.transaction(STORE).objectStore(STORE).getAll())) as string[];
}

async function openAnew(name: string): Promise<IDBDatabase> {
  await ended(indexedDB.deleteDatabase(name));
  return open(name);
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore(STORE));
  return ended(request);
}

async function remove(database: IDBDatabase): Promise<void> {
  database.close();
  await ended(indexedDB.deleteDatabase(database.name));
}

function commit(
  database: IDBDatabase,
  durability: IDBTransactionDurability,
  body: (store: IDBObjectStore) => void,
): Promise<void> {
  const transaction = database.transaction(STORE, 'readwrite', { durability });
  body(transaction.objectStore(STORE));
  transaction.commit();
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('aborted')));
  });
}

function ended<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('failed')));
  });
}
