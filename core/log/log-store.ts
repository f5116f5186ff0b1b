import type { Bytes } from './bytes.ts';
import type { Durability } from './row-store.ts';
import type { Run, VerifiedRun } from './run.ts';
import type { LogName } from './version-vector.ts';

/** The state of one log at a store. A log may start at a floor above 0. */
export interface Head {
  readonly log: LogName;
  readonly floor: number;
  readonly sequence: number;
  readonly id: Bytes;
  readonly lamport: number;
}

/**
 * What became of one run (LOG13):
 * - `accepted`: its entries from `first` on are new and durable;
 * - `duplicate`: every entry was held already (bodies that were lacking are taken);
 * - `gap`: entries before it are missing, from sequence `expected` on; nothing was stored;
 * - `fork`: it contradicts what is held; it is kept apart as evidence, what is held stays;
 * - `malformed`: its lamport counter does not grow from the log's last; nothing was stored.
 */
export type RunVerdict =
  | { readonly kind: 'accepted'; readonly first: number }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'gap'; readonly expected: number }
  | { readonly kind: 'fork' }
  | { readonly kind: 'malformed' };

/** Named values written with runs: a cursor, acknowledged heads, an epoch. Undefined removes one. */
export type NamedValues = Readonly<Record<string, string | undefined>>;

/**
 * The named value that counts the logs that were set aside: what was folded before it changed may be of a branch that counts
 * no more (VIEW2).
 */
export const SET_ASIDES = 'set-asides';

export const LEFT = 'left:';

/** The named value that marks a log as left by its writer: no context of the device extends it again (LOG13). */
export function leftName(log: LogName): string {
  return LEFT + log;
}

/**
 * The named value that marks a left log as ended before a gap: an entry that is not there was lost, or went on in another log
 * (LOG21). Its text is the last sequence that the server had acknowledged: up to there nothing was lost.
 */
export function tornName(log: LogName): string {
  return `torn:${log}`;
}

export interface AppendResult {
  /** One for each run, in order. */
  readonly verdicts: readonly RunVerdict[];
  /** The store's position after it. */
  readonly position: number;
}

/**
 * A run that holds what arrived up to the position asked for. Stored rows are merged, so it may go on: entries after
 * `arrivedTo` come again with the positions at which they arrived.
 */
export interface ArrivedRun extends Run {
  readonly arrivedTo: number;
}

/** Runs as they arrived after a position: each log's in order, the logs by their first arrival. */
export interface ArrivedRuns {
  readonly runs: readonly ArrivedRun[];
  /** Where to go on from. */
  readonly position: number;
  /** Whether nothing is left after `position`. */
  readonly level: boolean;
}

/** What stands at a position: used to recognise a cursor that came from another history. */
export interface Arrival {
  readonly log: LogName;
  readonly sequence: number;
  readonly id: Bytes;
}

/** Two signed histories of one log that contradict each other at `sequence` (LOG15); bodies left out. */
export interface ForkProof {
  readonly log: LogName;
  readonly sequence: number;
  readonly held: Bytes;
  readonly other: Bytes;
}

export interface Change {
  readonly position: number;
  readonly logs: readonly LogName[];
}

export interface MergeOptions {
  readonly values?: NamedValues;
  /** Values to write as well when runs were forks, given their logs: what has to be done about them is not forgotten. */
  readonly valuesOfForks?: (logs: readonly LogName[]) => NamedValues;
  /** Default `strict`. */
  readonly durability?: Durability;
}

/**
 * A durable set of logs of one space: append-only, single history per log, in arrival order. Every engine passes
 * `test/contract/log-store.contract.ts`. Nothing resolves before it is durable. This much of it a device needs.
 */
export interface LogStore {
  /**
   * Takes runs that peers made, and named values, in one transaction: each run is taken whole or not at all, by its own
   * verdict, never over anything held.
   */
  readonly merge: (runs: readonly VerifiedRun[], options?: MergeOptions) => Promise<AppendResult>;
  /**
   * Takes a log out of the store, since another branch of it counts: its runs are kept apart as evidence, and the log can
   * be merged anew from its beginning (LOG16). One strict transaction with the values.
   */
  readonly setAside: (log: LogName, values?: NamedValues) => Promise<void>;
  /** The last entry before the first gap in what is stored of a log from `from` on: its head's, unless a power cut tore an append. */
  readonly wholeTo: (log: LogName, from: number) => Promise<number>;
  /** Forgets what follows a log's first gap: it ends before the entry that lacks (LOG21). One strict transaction with the values. */
  readonly endBeforeGap: (log: LogName, values?: NamedValues) => Promise<void>;
  /**
   * Appends the writer's own new runs, strictly and all or nothing: `stale` when the log moved on since they were built,
   * or was left (`leftName`), and nothing is kept of them.
   */
  readonly extend: (runs: readonly VerifiedRun[], values?: NamedValues) => Promise<AppendResult | 'stale'>;
  readonly head: (log: LogName) => Promise<Head | undefined>;
  readonly heads: () => Promise<readonly Head[]>;
  /** Entries `first` to `last` of a log, both included, as far as they are held and fit `maxBytes` (at least one run). */
  readonly range: (log: LogName, first: number, last: number, maxBytes?: number) => Promise<readonly Run[]>;
  readonly position: () => Promise<number>;
  /** The id of an entry held, or undefined. */
  readonly entryId: (log: LogName, sequence: number) => Promise<Bytes | undefined>;
  readonly value: (name: string) => Promise<string | undefined>;
  /** Several named values as they are at one moment, in the order asked. */
  readonly values: (names: readonly string[]) => Promise<readonly (string | undefined)[]>;
  /** Named values whose names begin so, by name; a prefix ends in ASCII. */
  readonly valuesUnder: (prefix: string) => Promise<ReadonlyMap<string, string>>;
  readonly putValues: (values: NamedValues, durability?: Durability) => Promise<void>;
  /** Of all logs, or of one. */
  readonly forks: (log?: LogName) => Promise<readonly ForkProof[]>;
  /** Calls back after each commit of this object; returns the way to stop it. */
  readonly follow: (listener: (change: Change) => void) => () => void;
  readonly close: () => Promise<void>;
}

/** With what it takes to serve others and to erase. */
export interface ServingLogStore extends LogStore {
  /**
   * What arrived after a position, oldest first, until about `maxBytes` (at least one arrival). Never skips (LOG14): what is
   * committed later has a greater position. No body that is held is left out.
   */
  readonly after: (position: number, maxBytes?: number) => Promise<ArrivedRuns>;
  /** The last entry that arrived at exactly this position, or undefined when this store never had such a position. */
  readonly arrival: (position: number) => Promise<Arrival | undefined>;
  /** Forgets an entry's body, or one part of it, for good; the chain still verifies. False when there is none to forget. */
  readonly eraseBody: (log: LogName, sequence: number, part?: number) => Promise<boolean>;
}
