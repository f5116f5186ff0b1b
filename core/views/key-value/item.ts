import type { Json } from '../../log/body.ts';
import type { LogName } from '../../log/version-vector.ts';

/** One version of a key: what one entry set it to. */
export interface Version {
  /** Id of the entry (of the first one, when it was appended again in a new log), base64url. */
  readonly id: string;
  readonly log: LogName;
  readonly sequence: number;
  readonly lamport: number;
  readonly deleted: boolean;
  /** Null when deleted. */
  readonly value: Json;
}

/** Where a key first appeared; the order of lists (design §10). */
export interface Creation {
  readonly lamport: number;
  readonly log: LogName;
  readonly sequence: number;
}

/** The order of creation, and of every list: lamport, then log (names are ASCII), then sequence (design §10). */
export function compareCreation(a: Creation, b: Creation): number {
  if (a.lamport !== b.lamport) return a.lamport - b.lamport;
  if (a.log !== b.log) return a.log < b.log ? -1 : 1;
  return a.sequence - b.sequence;
}

/** The state of one key as the base view shows it (VIEW1). */
export interface Item {
  readonly key: string;
  /** Every live version, the one to display first: greater lamport, then greater hash, then greater sequence (VIEW4). */
  readonly live: readonly [Version, ...Version[]];
  /** More than one live version: concurrent writes that nobody resolved yet. */
  readonly conflict: boolean;
  /** A version names a parent that is not here yet (S1.19). */
  readonly incomplete: boolean;
  readonly created: Creation;
}

/** A fact of history: versions of one key that name the same parent (S1.17). */
export interface Collision {
  readonly key: string;
  /** Id of the parent, shortened to its first 22 characters; null for first writes. */
  readonly parent: string | null;
  readonly entries: readonly { readonly log: LogName; readonly sequence: number }[];
}

/** An entry that an authority refused: it stays in its log, views leave it out, its writer is told (S2.26). */
export interface RefusedEntry {
  /** Entry id, base64url. */
  readonly id: string;
  readonly log: LogName;
  readonly sequence: number;
  readonly code: string;
  /** For people. */
  readonly reason: string;
}
