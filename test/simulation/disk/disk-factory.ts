import type { SimProcess } from '../world/process.ts';
import { presentProcess } from '../world/process.ts';
import { createScheduler, giveConnection } from './connections.ts';
import { inside, plainEvent, versionEvent } from './fake-internals.ts';
import type { ConnectionInside, DiskCore, OpenRequestInside, RawDatabase, RawObjectStore } from './fake-internals.ts';
import { runInLane } from './present-disk.ts';
import { createSortedRecords } from './sorted-records.ts';

/** The databases of one disk: each that is made from now on is the disk's. */
export function createDatabases(core: () => DiskCore): Map<string, RawDatabase> {
  return new (class extends Map<string, RawDatabase> {
    override set(name: string, raw: RawDatabase): this {
      if (raw.disk === undefined) adopt(core(), raw);
      return super.set(name, raw);
    }
  })();
}

export function adopt(disk: DiskCore, raw: RawDatabase): void {
  raw.disk = disk;
  raw.processTransactions = createScheduler(disk, raw);
  raw.rawObjectStores = new (class extends Map<string, RawObjectStore> {
    override set(name: string, store: RawObjectStore): this {
      // One that is new: a deleted or renamed one comes back with what it has.
      if (!('settle' in store.records)) store.records = createSortedRecords();
      return super.set(name, store);
    }
  })();
}

/** The `indexedDB` of one disk. */
export function createDiskFactory(disk: DiskCore): IDBFactory {
  const factory = new inside.Factory();
  factory._databases = disk.databases;
  factory._connectionQueues = disk.queues as unknown as Map<string, unknown>;
  const open = factory.open.bind(factory);
  const databases = factory.databases.bind(factory);

  factory.open = (name: string, version?: number): IDBOpenDBRequest => {
    const owner = presentProcess();
    owner?.noteStore();
    const failure = disk.calls.note('open');
    if (failure !== undefined) return failing(disk, failure);
    const request = runInLane(disk.lane, () => open(name, version));
    guard(disk, request as unknown as OpenRequestInside, owner);
    return request;
  };

  factory.deleteDatabase = (name: string): IDBOpenDBRequest => {
    presentProcess()?.noteStore();
    const failure = disk.calls.note('delete database');
    if (failure !== undefined) return failing(disk, failure);
    const request = new inside.OpenRequest();
    disk.lane.push(() => {
      disk.queues.get(name).then(
        () =>
          new Promise((resolve) => {
            deleteDatabase(disk, name, request, resolve);
          }),
      );
    });
    return request as unknown as IDBOpenDBRequest;
  };

  factory.databases = async () => {
    presentProcess()?.noteStore();
    return databases();
  };
  return factory;
}

function failing(disk: DiskCore, name: string): IDBOpenDBRequest {
  const request = new inside.OpenRequest();
  disk.lane.push(() => fail(request, name));
  return request as unknown as IDBOpenDBRequest;
}

function fail(request: OpenRequestInside, name: string): void {
  request.readyState = 'done';
  request.result = undefined;
  request.error = new DOMException('simulated', name);
  inside.EventTarget.dispatchEvent.call(request, plainEvent('error'));
}

/** A connection belongs to the process that asked for it, and is ended when that died meanwhile. */
function guard(disk: DiskCore, request: OpenRequestInside, owner: SimProcess | undefined): void {
  const dispatch = inside.EventTarget.dispatchEvent;
  request.dispatchEvent = (event: Event) => {
    if (event.type !== 'upgradeneeded' && event.type !== 'success') return dispatch.call(request, event);
    const connection = request.result as ConnectionInside;
    giveConnection(disk, connection, owner);
    if (event.type === 'upgradeneeded') owner?.noteStore();
    return dispatch.call(request, event);
  };
}

function deleteDatabase(
  disk: DiskCore,
  name: string,
  request: OpenRequestInside,
  done: (value?: unknown) => void,
): void {
  const raw = disk.databases.get(name);
  if (raw === undefined) return succeed(0);
  const open = raw.connections.filter(({ _closed }) => !_closed);
  const unasked = open.filter(({ _closePending }) => !_closePending);
  for (const connection of unasked) {
    disk.lane.push(() => connection.dispatchEvent(versionEvent('versionchange', raw.version)));
  }
  disk.lane.push(() => {
    if (open.some(({ _closePending }) => !_closePending)) {
      disk.lane.push(() => request.dispatchEvent(versionEvent('blocked', raw.version)));
    }
    whenClosed(raw, open, () => {
      // It may have been evicted meanwhile, and made anew.
      if (disk.databases.get(name) === raw) {
        disk.databases.delete(name);
        disk.tornEnd.begun();
        disk.journal.append([() => void disk.databases.set(name, raw)]);
      }
      succeed(raw.version);
    });
  });

  function succeed(oldVersion: number): void {
    request.readyState = 'done';
    request.result = undefined;
    try {
      request.dispatchEvent(versionEvent('success', oldVersion));
    } finally {
      done();
    }
  }
}

function whenClosed(raw: RawDatabase, connections: readonly ConnectionInside[], task: () => void): void {
  if (connections.every(({ _closed }) => _closed)) return task();
  (raw.waiters ??= []).push(() => whenClosed(raw, connections, task));
}
