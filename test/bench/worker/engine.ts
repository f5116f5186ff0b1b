import { createDevice } from '../../../core/engine/create-device.ts';
import { createReplica } from '../../../core/engine/create-replica.ts';
import { createHttpTransport } from '../../../core/engine/http-transport.ts';
import type { Replica } from '../../../core/engine/replica.ts';
import { createLogStore } from '../../../core/log/create-log-store.ts';
import { createWriterKeys } from '../../../sw/account-store.ts';
import { createWebCrypto } from '../../../sw/crypto/web-crypto.ts';
import type { WriterKeyPair } from '../../../sw/crypto/web-writer-key.ts';
import { generateWriterKeyPair, pairToWriterKey } from '../../../sw/crypto/web-writer-key.ts';
import { deleteIndexedDbStore, openIndexedDbStore } from '../../../sw/storage/indexeddb-store.ts';
import { webClock, webLock, webRandom } from '../../../sw/web-ports.ts';
import type { Commands, ReadAsk } from '../commands.ts';
import { checkView, keyOf, lastEntryOf, valueOf } from '../workload.ts';
import type { Workload } from '../workload.ts';

/* The engine as the worker wires it: IndexedDB, WebCrypto, Web Locks; only the pages are missing. */
const SPACE = 'bench';
const crypto = createWebCrypto();

async function openReplica(name: string): Promise<Replica> {
  const store = await openIndexedDbStore(name);
  const writerKeys = createWriterKeys(store, {
    crypto,
    generateKey: generateWriterKeyPair,
    openKey: (stored) => pairToWriterKey(stored as WriterKeyPair),
  });
  return createReplica({
    space: SPACE,
    account: 'bench',
    device: 'bench',
    store: createLogStore(store.rows, crypto),
    viewStore: store.views,
    ports: { crypto, clock: webClock, random: webRandom, lock: webLock, writerKeys },
    mergeDurability: 'relaxed',
  });
}

export async function write({ name, workload, keep }: Commands['write']['ask']): Promise<number> {
  await deleteIndexedDbStore(name);
  const replica = await openReplica(name);
  const drafts = Array.from({ length: workload.entries }, (_, entry) => ({
    writes: [{ key: keyOf(workload, entry), value: valueOf(entry) }],
  }));
  const start = performance.now();
  await replica.append(drafts);
  const ms = performance.now() - start;
  await checkReplica(replica, workload);
  await replica.close();
  if (!keep) await deleteIndexedDbStore(name);
  return ms;
}

export async function read({ name, workload, what }: ReadAsk): Promise<number> {
  const wanted = workload.keys >> 1;
  const start = performance.now();
  const replica = await openReplica(name);
  const items = what === 'all' ? await replica.view.items('') : [await replica.view.item(keyOf(workload, wanted))];
  const ms = performance.now() - start;
  if (what === 'all') await checkReplica(replica, workload);
  else if (JSON.stringify(items[0]?.live[0].value) !== JSON.stringify(valueOf(lastEntryOf(workload, wanted))))
    throw new Error('another item was read');
  await replica.close();
  return ms;
}

export async function catchUp({ mountUrl, workload }: Commands['catchUp']['ask']): Promise<number> {
  const name = 'catch-up';
  await deleteIndexedDbStore(name);
  const replica = await openReplica(name);
  const transport = createHttpTransport({
    fetch: (url, init) => fetch(url, init),
    mountUrl,
    headers: () => ({}),
    clock: webClock,
  });
  const device = await createDevice({ replica, name: 'bench', transport, clock: webClock, random: webRandom, crypto });
  const start = performance.now();
  const outcome = await device.syncNow('call');
  const ms = performance.now() - start;
  if (outcome !== 'level') throw new Error(`the sync ended with ${outcome}`);
  await checkReplica(replica, workload);
  await device.close();
  await deleteIndexedDbStore(name);
  return ms;
}

/** Every entry is in the log, and the view shows what they leave. */
async function checkReplica(replica: Replica, workload: Workload): Promise<void> {
  const heads = await replica.store.heads();
  // A log begins with its open entry; a server may have a log of its own with no entries of ours.
  const most = Math.max(...heads.map(({ sequence }) => sequence));
  if (most !== workload.entries) throw new Error(`the log holds ${most} of ${workload.entries} entries`);
  checkView(workload, new Map((await replica.view.items('')).map(({ key, live }) => [key, live[0].value])));
}
