import type { Awaitable, Bytes } from './bytes.ts';
import type { LogName } from './version-vector.ts';

/*
 * What a storage engine has to provide: rows in transactions. Everything that a LogStore means (heads, gaps, forks,
 * merging, erasing) is written once, in log-store.ts, on top of these.
 */

/** One run as it is stored. */
export interface RunRow {
  readonly log: LogName;
  readonly first: number;
  readonly count: number;
  /** Id of the last entry. */
  readonly lastId: Bytes;
  /** Wire form. An engine may split it on disk; it reads back whole. */
  readonly bytes: Bytes;
}

/**
 * What one position of this store's arrival order stands for (LOG14). Written once, in the append's own transaction, and
 * never changed: rows are merged without it, so a position keeps its meaning for ever.
 */
export interface ArrivalRow {
  readonly position: number;
  readonly log: LogName;
  /** Sequences of the entries that arrived, both included. */
  readonly first: number;
  readonly last: number;
  /** Size of their wire form when they came. */
  readonly bytes: number;
}

/** The state of one log. */
export interface HeadRow {
  readonly log: LogName;
  /** First sequence held. */
  readonly floor: number;
  /** Last sequence held. */
  readonly sequence: number;
  /** Id of the last entry. */
  readonly id: Bytes;
  readonly lamport: number;
  /** Sequence where the rows begin that may still be merged, and how many they are. */
  readonly looseFrom: number;
  readonly looseRows: number;
}

/** A run of a second branch of a log, kept apart as evidence (LOG15). */
export interface QuarantinedRow {
  readonly log: LogName;
  readonly first: number;
  readonly lastId: Bytes;
  readonly bytes: Bytes;
}

export interface RowReader {
  readonly head: (log: LogName) => Awaitable<HeadRow | undefined>;
  readonly heads: () => Awaitable<readonly HeadRow[]>;
  /** The row that holds an entry, and those after it, in order, until `last` is covered or the rows exceed `maxBytes`; at least one. */
  readonly runs: (log: LogName, first: number, last: number, maxBytes: number) => Awaitable<readonly RunRow[]>;
  /** The next arrivals with a greater position, by position; at most `limit`. */
  readonly arrivalsAfter: (position: number, limit: number) => Awaitable<readonly ArrivalRow[]>;
  readonly quarantined: () => Awaitable<readonly QuarantinedRow[]>;
  readonly value: (name: string) => Awaitable<string | undefined>;
  /** Named values whose names begin so; a prefix ends in ASCII. */
  readonly valuesUnder: (prefix: string) => Awaitable<readonly (readonly [name: string, value: string])[]>;
}

export interface RowWriter extends RowReader {
  readonly putHead: (row: HeadRow) => Awaitable<void>;
  readonly deleteHead: (log: LogName) => Awaitable<void>;
  /** Stores or replaces the row of (log, first). `isNew`: there is none to replace, which an engine need not look for then. */
  readonly putRun: (row: RunRow, isNew?: boolean) => Awaitable<void>;
  readonly deleteRun: (log: LogName, first: number) => Awaitable<void>;
  readonly putArrival: (row: ArrivalRow) => Awaitable<void>;
  /** Stores or replaces the row of (log, first, lastId). */
  readonly putQuarantined: (row: QuarantinedRow) => Awaitable<void>;
  /** Stores a named value; undefined removes it. */
  readonly putValue: (name: string, value: string | undefined) => Awaitable<void>;
}

/**
 * - `strict`: nothing resolves before it would survive a power cut.
 * - `relaxed`: it survives a crash of the process; for what can be fetched again.
 */
export type Durability = 'strict' | 'relaxed';

export interface RowStore {
  /** Runs `body` on one consistent state. It awaits nothing but the reader. */
  readonly read: <T>(body: (rows: RowReader) => Awaitable<T>) => Promise<T>;
  /**
   * Runs `body` alone and commits it whole, or, when it throws, not at all. It awaits nothing but the writer, and has no
   * effect but through it: an engine may have to run it again. Rejects with `StorageFull` when there is no room;
   * everything earlier stays.
   */
  readonly write: <T>(durability: Durability, body: (rows: RowWriter) => Awaitable<T>) => Promise<T>;
  readonly close: () => Promise<void>;
}

/** There is no room for a write; nothing of it was stored. */
export class StorageFull extends Error {
  override readonly name = 'StorageFull';
  constructor() {
    super('the device has no room for this write');
  }
}

/** The store was closed, deleted or emptied under its user: by another tab, a newer version, or the browser. */
export class StorageGone extends Error {
  override readonly name = 'StorageGone';
  constructor() {
    super('the local database was closed or emptied');
  }
}

/** The store was made by a newer version of Wakelog than this one. It is left as it is. */
export class StorageTooNew extends Error {
  override readonly name = 'StorageTooNew';
  constructor() {
    super('the stored data was made by a newer version of wakelog');
  }
}
