/**
 * Where views keep their rows: named views, each a set of shards (a text of any size under a text key) and a checkpoint.
 * It lies in the log's own database. An engine splits large shards as its storage needs (CAP1) and reads them back whole.
 */
export interface ViewStore {
  /** A view's checkpoint and the keys of its shards in no particular order; undefined when there is none. */
  readonly open: (view: string) => Promise<StoredView | undefined>;
  /** The texts of shards, in the order asked; undefined for one that is missing. */
  readonly shards: (view: string, keys: readonly string[]) => Promise<readonly (string | undefined)[]>;
  /**
   * Writes shards and checkpoint in one transaction (VIEW2), relaxed: a view can always be built again. False, and
   * nothing written, when the stored checkpoint is not `expected`: somebody else moved the view on.
   */
  readonly commit: (view: string, change: ViewChange) => Promise<boolean>;
  /** Forgets a view. */
  readonly drop: (view: string) => Promise<void>;
}

export interface StoredView {
  readonly checkpoint: string;
  readonly shards: readonly string[];
  /** A power cut left a part of the last commit: nothing of this can be gone on with. */
  readonly isTorn?: boolean;
}

export interface ViewChange {
  /** The checkpoint that this change starts from; undefined for a new view. */
  readonly expected: string | undefined;
  readonly checkpoint: string;
  readonly put: ReadonlyMap<string, string>;
  readonly remove: readonly string[];
}
