import {
  IDBCursor as FakeCursor,
  IDBDatabase as FakeDatabase,
  IDBFactory as FakeFactory,
  IDBIndex as FakeIndex,
  IDBKeyRange as FakeKeyRange,
  IDBObjectStore as FakeObjectStore,
  IDBOpenDBRequest as FakeOpenRequest,
  IDBRequest as FakeRequest,
  IDBTransaction as FakeTransaction,
  IDBVersionChangeEvent as FakeVersionChangeEvent,
} from 'fake-indexeddb';
import type { SimProcess } from '../world/process.ts';
import type { SimRandom } from '../world/random.ts';
import type { CallLog } from './calls.ts';
import type { ConnectionQueues } from './connection-queues.ts';
import type { Journal } from './journal.ts';
import type { Lane } from './lane.ts';
import type { TornEnd } from './torn-end.ts';

/*
 * The insides of fake-indexeddb 6.2 that the simulated disk builds on. Members without an underscore that the library does
 * not have (`disk`, `owner`, `sim…`) are ours.
 */

/** What the patched fake-indexeddb knows of the disk that it works for. */
/** A transaction that was just committed, for those who look from outside. */
export interface DiskCommit {
  readonly database: string;
  /** Its place in the journal. */
  readonly place: number;
  /** By store: what it put. */
  readonly put: ReadonlyMap<string, readonly RawRecord[]>;
}

export interface DiskCore {
  readonly lane: Lane;
  readonly random: SimRandom;
  readonly calls: CallLog;
  readonly journal: Journal;
  /** Events of the world so far; where nobody counts them, transactions stay active over any wait. */
  readonly events: () => number;
  readonly databases: Map<string, RawDatabase>;
  readonly queues: ConnectionQueues;
  readonly onCommit: Set<(commit: DiskCommit) => void>;
  readonly tornEnd: TornEnd;
  /** Bytes that fit; undefined: any number. */
  quota: number | undefined;
}

export interface Listener {
  readonly type: string;
  readonly capture: boolean;
  readonly callback: (event: Event) => void;
  /** What production code registered, when `callback` is our wrapping of it. */
  readonly original?: unknown;
}

export interface EventTargetInside {
  listeners: Listener[];
  dispatchEvent(event: unknown): boolean;
}

export interface RawRecord {
  readonly key: IDBValidKey;
  readonly value: unknown;
  /** Approximate size, kept by `SortedRecords`. */
  bytes?: number;
}

/** What fake-indexeddb's object stores ask of the thing that holds their records. */
export interface RecordsInside {
  get(key: IDBValidKey | IDBKeyRange): RawRecord | undefined;
  put(record: RawRecord, noOverwrite?: boolean): RawRecord | undefined;
  delete(key: IDBValidKey | IDBKeyRange): RawRecord[];
  clear(): RawRecord[];
  values(range?: IDBKeyRange, direction?: IDBCursorDirection): Iterable<RawRecord>;
  size(): number;
}

export interface RawObjectStore {
  readonly name: string;
  readonly keyPath: string | string[] | null;
  readonly autoIncrement: boolean;
  readonly keyGenerator: { num: number } | null;
  readonly rawIndexes: Map<string, unknown>;
  records: RecordsInside;
  deleted: boolean;
}

export interface RawDatabase {
  readonly name: string;
  version: number;
  transactions: TransactionInside[];
  rawObjectStores: Map<string, RawObjectStore>;
  connections: ConnectionInside[];
  processTransactions: () => void;
  disk?: DiskCore;
  /** Upgrades and deletions that wait until other connections are closed. */
  waiters?: (() => void)[];
}

export interface ConnectionInside extends EventTargetInside {
  readonly name: string;
  version: number;
  _rawDatabase: RawDatabase;
  _closePending: boolean;
  _closed: boolean;
  _runningVersionchangeTransaction: boolean;
  /** While it upgrades: the version before. */
  _oldVersion?: number;
  owner?: SimProcess | undefined;
  /** The browser ended it: a `close` event follows. */
  isForced?: boolean;
}

export type TransactionState = 'active' | 'inactive' | 'committing' | 'finished';

export interface TransactionInside extends EventTargetInside {
  readonly mode: IDBTransactionMode;
  readonly durability: IDBTransactionDurability;
  readonly db: ConnectionInside;
  error: DOMException | null;
  _state: TransactionState;
  _started: boolean;
  _scope: Set<string>;
  _rollbackLog: (() => void)[];
  _requests: {
    readonly request: { readonly readyState: string; readonly source: unknown };
    readonly operation: () => unknown;
  }[];
  _start(): void;
  _abort(error: string | null): void;
  _markFinished(): void;
  /** How it fails as soon as it would begin. */
  simFailure?: string | undefined;
  /** How and on which stores it works, for the call log. */
  simSite?: string;
  simPuts?: boolean;
  /** The event of the world in which it is active: that in which it began, or in which a request of it was last answered. */
  simActiveIn?: number;
  /** Its changes are part of the disk's history: nothing but a power cut undoes them. */
  isInJournal?: boolean;
}

export interface FactoryInside extends IDBFactory {
  _databases: Map<string, RawDatabase>;
  _connectionQueues: Map<string, unknown>;
}

export interface OpenRequestInside extends EventTargetInside {
  source: unknown;
  result: unknown;
  error: unknown;
  readyState: string;
}

type Constructor<T, A extends readonly unknown[] = readonly []> = { new (...args: A): T; readonly prototype: T };

export const inside = {
  Cursor: FakeCursor as unknown as Constructor<object>,
  Connection: FakeDatabase as unknown as Constructor<ConnectionInside, [raw: RawDatabase]>,
  Factory: FakeFactory as unknown as Constructor<FactoryInside>,
  Index: FakeIndex as unknown as Constructor<object>,
  KeyRange: FakeKeyRange,
  ObjectStore: FakeObjectStore as unknown as Constructor<object>,
  OpenRequest: FakeOpenRequest as unknown as Constructor<OpenRequestInside>,
  Transaction: FakeTransaction as unknown as Constructor<TransactionInside>,
  VersionChangeEvent: FakeVersionChangeEvent as unknown as Constructor<
    Event,
    [type: string, init?: { newVersion?: number | null; oldVersion?: number }]
  >,
  /** Of which all of them are made. */
  EventTarget: Object.getPrototypeOf(FakeRequest.prototype) as EventTargetInside & {
    addEventListener(type: string, callback: unknown, options?: unknown): void;
    removeEventListener(type: string, callback: unknown, options?: unknown): void;
  },
};

/** An event of fake-indexeddb that tells nothing but its type. */
export function plainEvent(type: 'close' | 'error' | 'success'): Event {
  const event = new inside.VersionChangeEvent(type) as Event & {
    eventPath: unknown[];
    bubbles: boolean;
    cancelable: boolean;
  };
  event.eventPath = [];
  return event;
}

export function versionEvent(type: 'versionchange' | 'blocked' | 'success', oldVersion: number): Event {
  return new inside.VersionChangeEvent(type, { oldVersion, newVersion: null });
}
