import type { Awaitable, Bytes } from '../log/bytes.ts';
import type { Crypto } from '../log/crypto.ts';
import type { RunEntry } from '../log/run.ts';
import type { LogName } from '../log/version-vector.ts';
import type { RowCodec, ShardedTable } from './sharded-table.ts';

/** One verified entry as views get it, with its place. */
export interface FoldEntry {
  readonly log: LogName;
  readonly sequence: number;
  readonly id: Bytes;
  readonly entry: RunEntry;
}

/** What a view is given to live on. */
export interface ViewContext {
  /** A table of the view's own; its rows and the checkpoint commit together (VIEW2). */
  readonly table: <Row>(name: string, codec: RowCodec<Row>) => ShardedTable<Row>;
  /** An entry that is already in the log, for values too large to keep in rows. */
  readonly readEntry: (log: LogName, sequence: number) => Promise<RunEntry | undefined>;
  /** The id of an entry that is already in the log. */
  readonly entryId: (log: LogName, sequence: number) => Promise<Bytes | undefined>;
  /** A log by the small number that stands for it in this view's rows, and back. */
  readonly logAt: (index: number) => LogName;
  readonly logIndex: (log: LogName) => number;
  /** Whether an entry was folded already. */
  readonly isFolded: (log: LogName, sequence: number) => boolean;
  readonly crypto: Pick<Crypto, 'sha256'>;
  /** Whether a log's statements count. */
  readonly isAuthority: (log: LogName) => boolean;
}

/** A fold of the logs. Any order that keeps each log's own order gives the same state (VIEW3). */
export interface View<Api> {
  readonly name: string;
  /** A stored view of another version is dropped and built again. */
  readonly version: number;
  readonly open: (context: ViewContext) => Promise<OpenView<Api>>;
}

export interface OpenView<Api> {
  /** Folds one entry and adds the keys that changed. */
  readonly fold: (entry: FoldEntry, changedKeys: Set<string>) => Awaitable<void>;
  readonly api: Api;
}
