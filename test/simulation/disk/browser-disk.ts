import type { SimRandom } from '../world/random.ts';
import type { StorageErrorName } from './calls.ts';
import { createCallLog } from './calls.ts';
import { createConnectionQueues } from './connection-queues.ts';
import { createScheduler, endConnection } from './connections.ts';
import { createDatabases, createDiskFactory } from './disk-factory.ts';
import type { DiskCommit, DiskCore } from './fake-internals.ts';
import { installIdbClasses } from './install.ts';
import type { PowerCut } from './journal.ts';
import { createJournal } from './journal.ts';
import type { DiskWorld } from './lane.ts';
import { createLane } from './lane.ts';
import type { DiskSnapshot } from './snapshot.ts';
import { putSnapshot, takeSnapshot } from './snapshot.ts';
import { settleDatabase, settleStores, usedBytes } from './stores.ts';
import { createTornEnd } from './torn-end.ts';

/** The storage of one browser profile: one origin, any number of databases, any number of processes that use them. */
export interface BrowserDisk {
  readonly name: string;
  /** What a page or a worker of this profile finds as `indexedDB`. */
  readonly indexedDB: IDBFactory;
  /**
   * Takes what is not durable: a suffix of what was committed since the last strict commit. The browser's processes have to
   * be dead already.
   */
  readonly powerCut: () => PowerCut;
  /** The browser, which is dead by now, was killed in the middle of a write. */
  readonly tear: () => void;
  /** The browser starts: it deletes what it cannot read. */
  readonly start: () => void;
  /** Listens to commits, from outside: the listener is called while nothing else happens. Returns the way to end it. */
  readonly onCommit: (listener: (commit: DiskCommit) => void) => () => void;
  /** Whether a power cut now would leave what was committed at a place of the journal. */
  readonly isDurable: (place: number) => boolean;
  /** Committed changes that a power cut might take now. */
  readonly volatile: () => number;
  /** What is committed at this moment, as a copy of the profile's folder has it. */
  readonly snapshot: () => DiskSnapshot;
  /** Puts back what was there; the browser's processes have to be dead. */
  readonly restore: (snapshot: DiskSnapshot) => void;
  /** A second profile with the same content. */
  readonly clone: (name: string) => BrowserDisk;
  /** The browser empties the origin: connections are told by `close`, databases are gone. */
  readonly evict: () => void;
  /** Approximate bytes in all databases. */
  readonly usedBytes: () => number;
  /** Room for so many bytes; undefined: no limit. */
  readonly setQuota: (bytes: number | undefined) => void;
  /** The nth storage call from now (1: the next; opening, transaction, request or commit) fails so; with `site`, of that group. */
  readonly failAfter: (n: number, kind: StorageErrorName, site?: string) => void;
  /** A failure that is still to come does not. */
  readonly disarm: () => void;
  /** Whether that failure is still to come. */
  readonly isArmed: () => boolean;
  /** The group of call sites that the last call that failed so was of. */
  readonly lastFailedSite: () => string | undefined;
  readonly calls: () => number;
  /** How often each group of call sites was met. */
  readonly callSites: () => ReadonlyMap<string, number>;
  /** Does nothing for so many virtual ms. */
  readonly stall: (ms: number) => void;
}

export interface BrowserDiskOptions {
  readonly world: DiskWorld;
  readonly name: string;
  readonly random: SimRandom;
}

export function createBrowserDisk({ world, name, random }: BrowserDiskOptions): BrowserDisk {
  installIdbClasses();
  const lane = createLane(world, name, random.fork('lane'));
  const core: DiskCore = {
    lane,
    random: random.fork('transactions'),
    calls: createCallLog(),
    journal: createJournal(world.now, random.fork('journal')),
    events: world.events ?? (() => 0),
    databases: createDatabases(() => core),
    queues: createConnectionQueues(lane),
    onCommit: new Set(),
    tornEnd: createTornEnd(),
    quota: undefined,
  };
  let clones = 0;

  function snapshot(): DiskSnapshot {
    return takeSnapshot(core);
  }

  function restore(snapshot: DiskSnapshot): void {
    stopAll(core);
    core.databases.clear();
    core.tornEnd.begun();
    putSnapshot(core, snapshot);
    core.journal.forget();
  }

  return {
    name,
    indexedDB: createDiskFactory(core),
    powerCut() {
      stopAll(core);
      const cut = core.journal.cut();
      for (const raw of core.databases.values()) settleDatabase(raw);
      return cut;
    },
    tear: core.tornEnd.tear,
    start() {
      if (core.tornEnd.start()) evict(core);
    },
    onCommit(listener) {
      core.onCommit.add(listener);
      return () => core.onCommit.delete(listener);
    },
    isDurable: core.journal.isDurable,
    volatile: core.journal.volatile,
    snapshot,
    restore,
    clone(name) {
      const copy = createBrowserDisk({ world, name, random: random.fork(`clone ${clones++}`) });
      copy.restore(snapshot());
      return copy;
    },
    evict: () => evict(core),
    usedBytes: () => usedBytes(core),
    setQuota: (bytes) => {
      core.quota = bytes;
    },
    failAfter: core.calls.failAfter,
    disarm: core.calls.disarm,
    isArmed: core.calls.isArmed,
    lastFailedSite: core.calls.lastFailedSite,
    calls: core.calls.count,
    callSites: core.calls.sites,
    stall: lane.stall,
  };
}

/** The machine is off: nothing goes on, and nobody is told. What was not committed is undone. */
function stopAll(core: DiskCore): void {
  const { databases, lane, queues } = core;
  for (const raw of databases.values()) {
    for (const connection of raw.connections) {
      if (connection.owner?.isAlive())
        throw new Error(`${connection.owner.name} still uses ${raw.name}: kill it first`);
    }
    for (const tx of raw.transactions) {
      if (!tx.isInJournal && tx._state !== 'finished') for (const undo of tx._rollbackLog.toReversed()) undo();
      settleStores(tx);
      tx._state = 'finished';
    }
    for (const connection of raw.connections) connection._closePending = connection._closed = true;
    [raw.transactions, raw.connections, raw.waiters] = [[], [], []];
    // What it had queued is forgotten with the lane's tasks.
    raw.processTransactions = createScheduler(core, raw);
  }
  lane.clear();
  queues.clear();
}

function evict(core: DiskCore): void {
  const all = [...core.databases.values()];
  core.databases.clear();
  core.tornEnd.begun();
  core.journal.forget();
  for (const raw of all) {
    for (const connection of raw.connections) endConnection(core, connection, true);
  }
}
