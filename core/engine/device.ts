import type { Json } from '../log/body.ts';
import type { LogName } from '../log/version-vector.ts';
import type { RefusedEntry } from '../views/key-value/item.ts';
import type { Appended, Draft, Replica } from './replica.ts';
import type { Setback } from './sync-memory.ts';

/** What the sync loop is doing, as people are told. */
export type Connection = 'idle' | 'syncing' | 'live' | 'offline' | 'waiting' | 'needs-auth' | 'needs-update';

/** The state of a device in one space. Everything in it can be asked again after a restart. */
export interface DeviceStatus {
  readonly connection: Connection;
  /** Own entries that no server has acknowledged yet. */
  readonly unsent: number;
  /** Own entries that an authority refused, also those of logs that were left. */
  readonly refused: readonly RefusedEntry[];
  /** Keys with more than one live version. */
  readonly conflicts: number;
  /** Entries of others that wait under the ribbon. */
  readonly updatesReady: number;
  /** Why writes may be lost before they are sent, when they may: a `full` storage, or one that is `evictable`, where the environment can tell. */
  readonly atRisk: 'evictable' | 'full' | undefined;
  /** Entries of a kind that this version does not know are here. */
  readonly updateNeeded: boolean;
  /** ms, by the server's clock; undefined before the first contact. */
  readonly lastSynced: number | undefined;
  /**
   * The device was found `emptied` by its browser, or `restored` to an earlier state (SYNC14): what it had not sent is lost,
   * and what is shown may be old, until the next exchange is level.
   */
  readonly setback: Setback | undefined;
  /** Logs with two signed histories, proven (S1.10): a device was cloned, or put back, or lies. Everything else goes on. */
  readonly forks: readonly LogName[];
}

/** Why the loop wakes: the rungs of the ladder, all one code path (design §6). */
export type Wake = 'write' | 'live' | 'background-sync' | 'push' | 'start' | 'focus' | 'visible' | 'online' | 'periodic' | 'call' | 'retry' | 'signed-in';

export type Verdict = { readonly state: 'unsent' | 'accepted' } | { readonly state: 'refused'; readonly code: string; readonly reason: string } | { readonly state: 'unknown' };

/** What `syncNow` ended with: nothing left to do, or why not. */
export type SyncOutcome = 'level' | 'offline' | 'waiting' | 'needs-auth' | 'needs-update' | 'refused';

/** A replica with a way to a server: the engine of a worker and of a Node device. */
export interface Device {
  readonly replica: Replica;
  readonly name: string;
  readonly append: (drafts: readonly Draft[]) => Promise<readonly Appended[]>;
  readonly status: () => Promise<DeviceStatus>;
  /** Calls back after the status may have changed; returns the way to stop it. */
  readonly followStatus: (listener: () => void) => () => void;
  /** What the authority said of an own entry, by its id. */
  readonly settled: (id: string) => Promise<Verdict>;
  /** Asks the loop to sync soon; never rejects. */
  readonly wake: (why: Wake) => void;
  /** Syncs until level or until it cannot go on now. For events that end: Background Sync, push. */
  readonly syncNow: (why: Wake) => Promise<SyncOutcome>;
  /** Holds a live connection while wanted (an open tab). */
  readonly live: (wanted: boolean) => void;
  /** Own entries no server acknowledged, as JSON, for a person who has to save them by hand (kill switch, eviction). */
  readonly exportUnsent: () => Promise<readonly Json[]>;
  readonly close: () => Promise<void>;
}
