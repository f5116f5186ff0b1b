import { createDevice } from '../core/engine/create-device.ts';
import { createReplica } from '../core/engine/create-replica.ts';
import type { Device } from '../core/engine/device.ts';
import type { Transport } from '../core/engine/ports.ts';
import { createLogStore } from '../core/log/create-log-store.ts';
import type { LogStore } from '../core/log/log-store.ts';
import { StorageGone } from '../core/log/row-store.ts';
import { toBase64Url } from '../core/log/bytes.ts';
import type { PageScope } from '../core/protocol/page-messages.ts';
import type { AccountStores, WorkerCrypto } from './account-store.ts';
import { createWriterKeys } from './account-store.ts';
import { createCacheCanary } from './cache-canary.ts';
import { webClock, webLock, webRandom } from './web-ports.ts';

export interface DevicesOptions {
  readonly stores: AccountStores;
  readonly cryptography: WorkerCrypto;
  readonly transport: (scope: PageScope) => Transport;
  /** Whether entries of others have to wait in this space now. */
  readonly isHeld: (scope: PageScope) => Promise<boolean>;
  /** Told of each device that opened; returns how to stop following it. */
  readonly onOpen: (scope: PageScope, device: Device) => () => void;
  /** Somebody else ended the database: the browser emptied it, another tab deleted it, a newer version took it. */
  readonly onGone: (scope: PageScope) => void;
}

/** The open devices of this worker: one for each account and space, opened when asked for. */
export interface Devices {
  /** Runs a body on a device; once more on a device opened anew when the database ended under it. */
  readonly use: <T>(scope: PageScope, body: (device: Device) => Promise<T>) => Promise<T>;
  /** The device, when it is open. */
  readonly peek: (scope: PageScope) => Promise<Device> | undefined;
  readonly scopes: () => readonly PageScope[];
  readonly close: (scope: PageScope) => Promise<void>;
  /** Deletes the database, unsent entries included. */
  readonly wipe: (scope: PageScope) => Promise<void>;
}

interface Opened {
  readonly scope: PageScope;
  readonly device: Promise<Device>;
  readonly unfollow: Promise<() => void>;
}

const DEVICE_NAME = 'device';

export function createDevices(options: DevicesOptions): Devices {
  const openedByName = new Map<string, Opened>();
  /** Closed on purpose: what is still under way there ends, and opens nothing again. */
  const closed = new WeakSet<Opened>();

  function open(scope: PageScope): Opened {
    const name = databaseName(scope);
    const before = openedByName.get(name);
    if (before !== undefined) return before;
    const device = openDevice(options, scope, () => {
      // Whoever asks next opens it again; whatever is under way fails with StorageGone.
      void end(opened);
      options.onGone(scope);
    });
    const opened: Opened = { scope, device, unfollow: device.then((it) => options.onOpen(scope, it)) };
    openedByName.set(name, opened);
    opened.unfollow.catch(() => {
      if (openedByName.get(name) === opened) openedByName.delete(name);
    });
    return opened;
  }

  async function end(opened: Opened): Promise<void> {
    const name = databaseName(opened.scope);
    if (openedByName.get(name) === opened) openedByName.delete(name);
    try {
      (await opened.unfollow)();
      await (await opened.device).close();
    } catch {
      // It never opened, or it is gone already.
    }
  }

  async function close(scope: PageScope): Promise<void> {
    const opened = openedByName.get(databaseName(scope));
    if (opened === undefined) return;
    closed.add(opened);
    await end(opened);
  }

  return {
    async use(scope, body) {
      const opened = open(scope);
      try {
        return await body(await opened.device);
      } catch (error) {
        if (!(error instanceof StorageGone) || closed.has(opened)) throw error;
        await end(opened);
        return body(await open(scope).device);
      }
    },
    peek: (scope) => openedByName.get(databaseName(scope))?.device,
    scopes: () => [...openedByName.values()].map(({ scope }) => scope),
    close,
    async wipe(scope) {
      await close(scope);
      await options.stores.remove(databaseName(scope));
      await createCacheCanary(databaseName(scope)).remove();
    },
  };
}

async function openDevice(options: DevicesOptions, scope: PageScope, onGone: () => void): Promise<Device> {
  const { stores, cryptography, transport, isHeld } = options;
  const { crypto } = cryptography;
  const database = await stores.open(databaseName(scope), { onGone });
  const store = createLogStore(database.rows, crypto);
  const name = await deviceName(store, cryptography);
  const ports = {
    crypto,
    clock: webClock,
    random: webRandom,
    lock: webLock,
    writerKeys: createWriterKeys(database, cryptography),
    canary: createCacheCanary(databaseName(scope)),
  };
  const replica = await createReplica({
    ...scope,
    device: name,
    store,
    viewStore: database.views,
    ports,
    mergeDurability: 'relaxed',
    held: await isHeld(scope),
  });
  return createDevice({ replica, name, transport: transport(scope), clock: webClock, random: webRandom, crypto });
}

/** Made once for each account and space, so that a server cannot tell that two accounts share a browser. */
async function deviceName(store: LogStore, { crypto }: WorkerCrypto): Promise<string> {
  return webLock('device-name', async () => {
    const known = await store.value(DEVICE_NAME);
    if (known !== undefined) return known;
    const made = toBase64Url(crypto.randomBytes(16));
    await store.putValues({ [DEVICE_NAME]: made });
    return made;
  });
}

export function databaseName({ account, space }: PageScope): string {
  return `wakelog:${JSON.stringify([account, space])}`;
}
