import type { Json } from '../log/body.ts';
import type { Bytes } from '../log/bytes.ts';
import type { LogStore, MergeOptions, NamedValues } from '../log/log-store.ts';
import type { LogName, VersionVector } from '../log/version-vector.ts';
import type { RunFault } from '../log/run-verify.ts';
import type { RunVerdict } from '../log/log-store.ts';
import type { ViewStore } from '../views/view-store.ts';
import type { Collision, Item } from '../views/key-value/item.ts';
import type { RefusedEntry } from '../views/key-value/item.ts';
import type { Statement } from '../views/key-value/statements.ts';
import type { ForkProofs } from './fork-proofs.ts';
import type { EnginePorts } from './ports.ts';

export interface ReplicaOptions {
  readonly space: string;
  /** Who its own entries are written for. */
  readonly account: string;
  /** The device's name, for the open entry of its logs. */
  readonly device: string;
  readonly store: LogStore;
  readonly viewStore: ViewStore;
  readonly ports: EnginePorts;
  /** How durable entries of others are before `merge` resolves: `strict` at a server, which acknowledges them. */
  readonly mergeDurability: 'strict' | 'relaxed';
  /** Whether entries of others are held back from the beginning, as by `hold(true)`. */
  readonly held?: boolean;
  /** Whether logs that lack entries are mended (LOG21). Not at a server: its disk tears nothing, and others count on all that it has. Default: yes. */
  readonly mends?: boolean;
}

/** One write of a draft. Without `parents` it supersedes the version that is displayed now, and leaves others live. */
export type DraftWrite = {
  readonly key: string;
  /** Ids of the versions that this write supersedes. [] claims a first write. */
  readonly parents?: readonly string[];
} & ({ readonly value: Json } | { readonly deleted: true });

/** What becomes one atomic entry: all of it shown and sent, or none. */
export interface Draft {
  readonly writes: readonly DraftWrite[];
  /** The app's own typed events, for views that fold them. */
  readonly events?: readonly Json[];
  /**
   * Named values to write in the entry's own transaction: what makes a request that is repeated, also after a restart,
   * find what it did the first time. Called again when the entry has to be built again.
   */
  readonly values?: (appended: Appended) => NamedValues;
}

/** Where a draft stands once it is durable. */
export interface Appended {
  /** Entry id, base64url. */
  readonly id: string;
  readonly log: LogName;
  readonly sequence: number;
}

/** What a conditional append may look at: the state that its entry would follow, other waiting appends included. */
export interface DraftContext {
  /** What was read of the store when this was asked for may be old: another context of the device may have appended since. */
  readonly mayBeStale: boolean;
  readonly item: (key: string) => Promise<Item | undefined>;
}

/** The same for several entries of one commit. */
export type PrepareDrafts<Refusal> = (context: DraftContext) => Promise<readonly Draft[] | { readonly refuse: Refusal }>;

/** Decides at its turn what to append, or gives a reason not to; may be asked again, so it has no effects of its own. */
export type PrepareDraft<Refusal> = (context: DraftContext) => Promise<Draft | { readonly refuse: Refusal }>;

export interface RotateOptions {
  /** The log to leave; when its key was replaced in an earlier life, only the appending again is left. Default: the own log. */
  readonly log?: LogName;
  /** Named values to write in the transaction of the new log's entries. */
  readonly values?: NamedValues;
}

/** What became of one run of others: a store's verdict, or a fault of its bytes. */
export type MergeVerdict = RunVerdict | { readonly kind: 'invalid'; readonly fault: RunFault };

/** A change of what readers see. */
export interface ViewChange {
  readonly keys: readonly string[];
  readonly origin: 'own' | 'remote';
  /** The keys were written just now, here: a displayed version of the own log is the one that was, and no server has it yet. */
  readonly isFresh: boolean;
}

/** Reads of the base key-value view. */
export interface ViewReader {
  readonly item: (key: string) => Promise<Item | undefined>;
  /** Items whose key starts with `prefix`, deleted ones too, in the order of their keys' bytes. */
  readonly items: (prefix: string) => Promise<readonly Item[]>;
  /** Keys with more than one live version. */
  readonly conflicted: () => readonly string[];
  readonly collisions: () => Promise<readonly Collision[]>;
  readonly refused: () => readonly RefusedEntry[];
  /** Why an entry was refused, by its id (base64url); undefined when it was not. */
  readonly refusal: (id: string) => RefusedEntry | undefined;
  /** The account that a log was enrolled for by an authority. */
  readonly account: (log: LogName) => Promise<string | undefined>;
  /** The whole state as one text that is the same on every replica with the same entries (VIEW3). */
  readonly canonicalState: () => Promise<string>;
}

/**
 * One space on one node: its logs, its own writer, its base view. Knows no network. The same in a worker, in Node, and in
 * the server, whose own log is an authority.
 */
export interface Replica {
  readonly space: string;
  readonly account: string;
  readonly store: LogStore;
  readonly view: ViewReader;
  /** The own log's name; undefined before its first entry. */
  readonly ownLog: () => LogName | undefined;
  /** Resolves when every draft is durable and in the base view, in order; one transaction for many (design §5). */
  readonly append: (drafts: readonly Draft[]) => Promise<readonly Appended[]>;
  readonly appendIf: <Refusal>(prepare: PrepareDraft<Refusal>) => Promise<Appended | { readonly refuse: Refusal }>;
  /** So many drafts, at most `MOST_ENTRIES_PER_COMMIT`, in one transaction. */
  readonly appendAllIf: <Refusal>(count: number, prepare: PrepareDrafts<Refusal>) => Promise<readonly Appended[] | { readonly refuse: Refusal }>;
  /** Appends statements to the own log. They count where that log is an authority. */
  readonly state: (statements: readonly Statement[]) => Promise<readonly Appended[]>;
  /** Verifies runs of others and takes them with named values in one transaction; folds them unless they are held back. */
  readonly merge: (runs: readonly Bytes[], options?: Omit<MergeOptions, 'durability'>) => Promise<readonly MergeVerdict[]>;
  /** Log → the last entry up to which nothing is lacking, bodies included. */
  readonly vector: () => Promise<VersionVector>;
  /** Takes a log out, to be merged anew: another branch of it counts (LOG16). The view is built again. */
  readonly setAside: (log: LogName, values: NamedValues) => Promise<void>;
  /** The logs whose statements count here; a change rebuilds the view. */
  readonly setAuthorities: (logs: readonly LogName[]) => Promise<void>;
  readonly authorities: () => readonly LogName[];
  /** Whether entries of others wait, durable and not folded, until `release` (the ribbon). */
  readonly hold: (on: boolean) => void;
  /** How many entries of others wait. */
  readonly heldBack: () => Promise<number>;
  /** Folds everything that waits; the keys that changed. */
  readonly release: () => Promise<readonly string[]>;
  /** Opens a new own log and appends there again, with `origin`, own data entries above `from` (a fork, a lost key). */
  readonly rotate: (reason: string, from: number, options?: RotateOptions) => Promise<void>;
  /** To be awaited before own entries leave the device: its canary knows of them then (SYNC14). */
  readonly cover: () => Promise<void>;
  readonly forks: ForkProofs['all'];
  /** Logs that are proven to have two histories by an authority's verdict: somebody's device was copied, or lies (S1.10). */
  readonly forkedLogs: ForkProofs['logs'];
  /** Another context of this device changed the database: fold what is new. */
  readonly catchUp: () => Promise<void>;
  readonly follow: (listener: (change: ViewChange) => void) => () => void;
  /** Writes what the view has only in memory; at the end of an event. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
}
