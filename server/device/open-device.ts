import type { Json } from '../../core/log/body.ts';
import { toBase64Url } from '../../core/log/bytes.ts';
import { createLogStore } from '../../core/log/create-log-store.ts';
import type { LogStore } from '../../core/log/log-store.ts';
import { createDevice } from '../../core/engine/create-device.ts';
import { createReplica } from '../../core/engine/create-replica.ts';
import type { Device, DeviceStatus, SyncOutcome, Verdict } from '../../core/engine/device.ts';
import type { Fetch } from '../../core/engine/http-transport.ts';
import { createHttpTransport } from '../../core/engine/http-transport.ts';
import type { Appended, Draft } from '../../core/engine/replica.ts';
import { createNodeCrypto } from '../crypto/node-crypto.ts';
import type { Collision } from '../../core/views/key-value/item.ts';
import type { DeviceCollection } from './device-collection.ts';
import { createDeviceCollection } from './device-collection.ts';
import type { OpenStore, StoreChoice } from './device-store.ts';
import { openDeviceStore } from './device-store.ts';
import { createFileCanary } from './file-canary.ts';
import { createNodePorts, createStoredWriterKeys, nodeClock } from './node-ports.ts';

export interface OpenDeviceOptions {
  /** The server: its origin (`https://example.org`, then the mount is `/wakelog`), or the URL of its mount. */
  readonly url: string;
  readonly space: string;
  /** Who it writes as. */
  readonly account: string;
  /** Headers for every request (an Authorization, say); asked each time. */
  readonly auth?: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /** Default: memory. */
  readonly store?: StoreChoice;
  /** Whether to hold a live connection. Without one, `sync()` and own writes fetch what is new. Default: true. */
  readonly live?: boolean;
}

/** The engine in Node: bots, tests, edge servers. The same log, views and sync as in a worker. Every function is bound. */
export interface NodeDevice {
  /** Items under a name, such as `/api/tasks`. */
  readonly collection: <T extends Json = Json>(name: string) => DeviceCollection<T>;
  /** One atomic entry: all of it shown and sent, or none. Resolves when it is durable here. */
  readonly append: (draft: Draft) => Promise<Appended>;
  /** Many entries, in order, in as few transactions as can be. */
  readonly appendMany: (drafts: readonly Draft[]) => Promise<readonly Appended[]>;
  /** Every time that entries followed the same version of a key, or each were its first write: facts of history (S1.17). */
  readonly collisions: () => Promise<readonly Collision[]>;
  readonly status: () => Promise<DeviceStatus>;
  readonly settled: (id: string) => Promise<Verdict>;
  /** Syncs until level, or says why it cannot be now. */
  readonly sync: () => Promise<SyncOutcome>;
  /** After `auth` has something new to say. */
  readonly signIn: () => Promise<SyncOutcome>;
  /** Calls back with the keys that changed; returns the way to stop it. */
  readonly follow: (listener: (keys: readonly string[]) => void) => () => void;
  readonly exportUnsent: () => Promise<readonly Json[]>;
  /** The engine itself: log store, base view. */
  readonly device: Device;
  readonly close: () => Promise<void>;
}

const DEVICE_NAME = 'device';

export async function openDevice(options: OpenDeviceOptions): Promise<NodeDevice> {
  const { url, space, account, auth = () => ({}), live = true } = options;
  const mountUrl = toMountUrl(url);
  const opened: OpenStore = await openDeviceStore(options.store ?? 'memory', account, space);
  const store = createLogStore(opened.rows, createNodeCrypto());
  const canary = typeof options.store === 'object' ? createFileCanary(options.store.path, account, space) : undefined;
  const ports = { ...createNodePorts(createStoredWriterKeys(store)), ...(canary && { canary }) };
  const name = await deviceName(store, ports.crypto.randomBytes(9));
  const replica = await createReplica({ space, account, device: name, store, viewStore: opened.views, ports, mergeDurability: 'relaxed' });
  const fetchHere = fetch as unknown as Fetch;
  const transport = createHttpTransport({ fetch: fetchHere, mountUrl, headers: auth, clock: nodeClock });
  const device = await createDevice({ replica, name, transport, clock: nodeClock, random: ports.random, crypto: ports.crypto });
  device.live(live);
  return {
    collection: <T extends Json>(path: string) => createDeviceCollection<T>(device, path),
    async append(draft) {
      const [appended] = await device.append([draft]);
      if (appended === undefined) throw new Error('one draft makes one entry');
      return appended;
    },
    appendMany: device.append,
    collisions: replica.view.collisions,
    status: device.status,
    settled: device.settled,
    sync: () => device.syncNow('call'),
    signIn: () => device.syncNow('signed-in'),
    follow: (listener) => replica.follow(({ keys }) => listener(keys)),
    exportUnsent: device.exportUnsent,
    device,
    async close() {
      await device.close();
      await opened.close();
    },
  };
}

function toMountUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  const path = pathname.replace(/\/+$/, '');
  return origin + (path === '' ? '/wakelog' : path);
}

async function deviceName(store: LogStore, random: Parameters<typeof toBase64Url>[0]): Promise<string> {
  const known = await store.value(DEVICE_NAME);
  if (known !== undefined) return known;
  const name = toBase64Url(random);
  await store.putValues({ [DEVICE_NAME]: name });
  return name;
}
