import type { Bytes } from './bytes.ts';
import type { Content } from './content.ts';

/** An entry as a run carries it: what cannot be computed from the run. Its header follows from its place. */
export interface RunEntry {
  readonly kind: number;
  readonly flags: number;
  readonly bodyBytes: number;
  readonly lamport: number;
  /** ms */
  readonly clock: number;
  readonly content: Content;
}

/**
 * At most 256 contiguous entries and 48 KiB of one log, or one entry with a larger body, under the signature of the last
 * (LOG4). The unit that is signed, stored, sent and merged.
 */
export interface Run {
  readonly log: Bytes;
  /** Sequence of the first entry. */
  readonly first: number;
  /** Id of the entry before the first; zeros at sequence 0. */
  readonly previous: Bytes;
  readonly entries: readonly RunEntry[];
  /** 64 bytes, by the log's key over the last entry's id. */
  readonly signature: Bytes;
}

/** A run whose chain and signature were checked, or that its own writer just made: the only kind a store takes (LOG8). */
export interface VerifiedRun {
  readonly run: Run;
  /** The ids of its entries, in order. */
  readonly ids: readonly Bytes[];
  /** The wire form. */
  readonly bytes: Bytes;
}

export function lastSequence(run: Pick<Run, 'first' | 'entries'>): number {
  return run.first + run.entries.length - 1;
}
