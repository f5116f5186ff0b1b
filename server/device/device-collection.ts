import type { Json } from '../../core/log/body.ts';
import type { Device } from '../../core/engine/device.ts';
import { compareCreation } from '../../core/views/key-value/item.ts';
import { itemToPage, unsentOf } from '../../core/engine/page-item.ts';
import type { PageItem } from '../../core/protocol/page-messages.ts';
import type { Appended } from '../../core/engine/replica.ts';

export interface DeviceItem<T extends Json = Json> {
  readonly id: string;
  readonly value: T;
  /** No server has it yet. */
  readonly unsent: boolean;
  readonly conflict: boolean;
  readonly incomplete: boolean;
  /** Ids of all live versions, the shown one first. */
  readonly versions: readonly string[];
}

/** Items under a name, as `connect()` has them in a page. */
export interface DeviceCollection<T extends Json = Json> {
  /** The key of an item, for `append`. */
  readonly key: (id: string) => string;
  readonly put: (id: string, value: T) => Promise<Appended>;
  readonly delete: (id: string) => Promise<Appended>;
  readonly get: (id: string) => Promise<DeviceItem<T> | undefined>;
  /** In the order of creation. */
  readonly list: () => Promise<readonly DeviceItem<T>[]>;
  /** Calls back with all items, now and after each change of one; returns the way to stop it. */
  readonly subscribe: (listener: (items: readonly DeviceItem<T>[]) => void) => () => void;
}

export function createDeviceCollection<T extends Json>(device: Device, name: string): DeviceCollection<T> {
  const { replica } = device;
  const prefix = `${name.replace(/\/$/, '')}/`;
  const key = (id: string): string => prefix + id;

  const appendOne = async (write: Parameters<Device['append']>[0][number]['writes'][number]): Promise<Appended> => {
    const [appended] = await device.append([{ writes: [write] }]);
    if (appended === undefined) throw new Error('one draft makes one entry');
    return appended;
  };

  async function list(): Promise<DeviceItem<T>[]> {
    const isUnsent = await unsentOf(replica);
    const items = (await replica.view.items(prefix)).filter(({ live: [shown] }) => !shown.deleted);
    const inOrder = items.toSorted((a, b) => compareCreation(a.created, b.created));
    return inOrder.map((item) => toDeviceItem<T>(itemToPage(item, isUnsent), prefix));
  }

  return {
    key,
    put: (id, value) => appendOne({ key: key(id), value }),
    delete: (id) => appendOne({ key: key(id), deleted: true }),
    async get(id) {
      const item = await replica.view.item(key(id));
      if (item === undefined || item.live[0].deleted) return undefined;
      return toDeviceItem<T>(itemToPage(item, await unsentOf(replica)), prefix);
    },
    list,
    subscribe(listener) {
      let stopped = false;
      const tell = (): void => {
        // A store that was closed meanwhile has nothing more to tell.
        list().then(
          (items) => stopped || listener(items),
          () => undefined,
        );
      };
      const unfollow = replica.follow(({ keys }) => {
        if (keys.some((changed) => changed.startsWith(prefix))) tell();
      });
      tell();
      return () => {
        stopped = true;
        unfollow();
      };
    },
  };
}

function toDeviceItem<T extends Json>(item: PageItem, prefix: string): DeviceItem<T> {
  const { value, unsent, conflict, incomplete, ids } = item;
  return { id: item.key.slice(prefix.length), value: value as T, unsent, conflict, incomplete, versions: ids };
}
