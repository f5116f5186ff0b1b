import type { SimProcess } from '../world/process.ts';
import { inside, plainEvent } from './fake-internals.ts';
import type { ConnectionInside, DiskCore, RawDatabase, TransactionInside } from './fake-internals.ts';
import { runInLane } from './present-disk.ts';

/** Connections are closed once their own transactions are; fake-indexeddb waits for everybody's, asking again and again. */
export function patchConnections(): void {
  const connections = inside.Connection.prototype as ConnectionInside & { close(): void };
  const { close } = connections;
  connections.close = function closeWhenDone() {
    if (this._rawDatabase.disk === undefined) return close.call(this);
    if (this._closePending) return;
    beginClosing(this);
  };
}

export function unfinishedOf(connection: ConnectionInside): TransactionInside[] {
  return connection._rawDatabase.transactions.filter((tx) => tx.db === connection && tx._state !== 'finished');
}

function beginClosing(connection: ConnectionInside): void {
  connection._closePending = true;
  connection._rawDatabase.disk?.lane.wakeWaiting();
  noteOfConnection(connection);
}

/** A transaction of it ended, or it is to be closed. */
export function noteOfConnection(connection: ConnectionInside): void {
  const raw = connection._rawDatabase;
  if (!connection._closePending || connection._closed || unfinishedOf(connection).length > 0) return;
  connection._closed = true;
  raw.connections = raw.connections.filter((other) => other !== connection);
  raw.disk?.lane.push(() => {
    if (connection.isForced) connection.dispatchEvent(plainEvent('close'));
    const waiters = raw.waiters ?? [];
    raw.waiters = [];
    for (const waiter of waiters) waiter();
  });
}

/** The browser ends a connection: what was not committed is undone. A process that still lives is told by a `close` event. */
export function endConnection(disk: DiskCore, connection: ConnectionInside, isTold: boolean): void {
  // Whoever closes it is not told that it was closed.
  connection.isForced = isTold && !connection._closePending;
  runInLane(disk.lane, () => {
    for (const tx of unfinishedOf(connection)) if (!tx.isInJournal) tx._abort('AbortError');
    beginClosing(connection);
  });
}

/**
 * A process died. A transaction for which `commit()` was called may have reached the browser whole, or not; every other one
 * is undone, one that the disk is writing is not.
 */
export function endConnectionOfDead(disk: DiskCore, connection: ConnectionInside): void {
  runInLane(disk.lane, () => {
    for (const tx of unfinishedOf(connection)) {
      const reachedTheBrowser = tx._state === 'committing' && disk.random.chance(0.5);
      if (!tx.isInJournal && !reachedTheBrowser) tx._abort('AbortError');
    }
    beginClosing(connection);
  });
}

const connectionsByProcess = new WeakMap<SimProcess, Set<ConnectionInside>>();

/** From now on the connection dies with the process. */
export function giveConnection(disk: DiskCore, connection: ConnectionInside, owner: SimProcess | undefined): void {
  if (owner === undefined || connection.owner !== undefined) return;
  connection.owner = owner;
  let owned = connectionsByProcess.get(owner);
  if (owned === undefined) {
    connectionsByProcess.set(owner, (owned = new Set()));
    owner.onDeath(() => {
      for (const each of connectionsByProcess.get(owner) ?? []) {
        const itsDisk = each._rawDatabase.disk;
        if (itsDisk !== undefined && !each._closed) endConnectionOfDead(itsDisk, each);
      }
    });
  }
  owned.add(connection);
  if (!owner.isAlive()) endConnectionOfDead(disk, connection);
}

/**
 * Starts what may start. As fake-indexeddb does it, but all that may at once, and without looking when nothing waits: a
 * transaction waits for those before it whose stores it shares, unless both only read.
 */
export function createScheduler(disk: DiskCore, raw: RawDatabase): () => void {
  let isQueued = false;

  function look(): void {
    isQueued = false;
    const before: TransactionInside[] = [];
    const startable: TransactionInside[] = [];
    for (const tx of raw.transactions) {
      if (tx._state === 'finished') continue;
      if (!tx._started && !before.some((other) => collide(tx, other))) startable.push(tx);
      before.push(tx);
    }
    const [first, ...others] = startable;
    // Each in a task of its own: what one calls back must not come between another's requests.
    for (const tx of others) disk.lane.push(() => begin(tx));
    if (first !== undefined) begin(first);
  }

  function begin(tx: TransactionInside): void {
    if (tx._started || tx._state === 'finished') return;
    tx._start();
  }

  return () => {
    if (isQueued || raw.transactions.every((tx) => tx._started || tx._state === 'finished')) return;
    isQueued = true;
    disk.lane.push(look);
  };
}

function collide(a: TransactionInside, b: TransactionInside): boolean {
  if (a.mode === 'readonly' && b.mode === 'readonly') return false;
  for (const name of a._scope) if (b._scope.has(name)) return true;
  return false;
}
