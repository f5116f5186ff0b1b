import type { Bytes } from './bytes.ts';
import type { Content } from './content.ts';
import { SALT_BYTES } from './content.ts';

/** An entry as a run carries it: what cannot be computed from the run. Its header follows from its place. */
export interface RunEntry {
  readonly kind: number;
  readonly flags: number;
  /** As the header states it: `bodyLength`. */
  readonly bodyBytes: number;
  readonly lamport: number;
  /** ms */
  readonly clock: number;
  readonly content: Content;
}

/**
 * At most 256 contiguous entries and 48 KiB of weight of one log, or one entry with a larger body, under the signature of the last
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

const HASH_BYTES = 32;
/** The most that a run's wire form takes besides its entries: format, log, first, previous, number, signature. */
const RUN_FRAME_BYTES = 139;
/** The most that an entry's takes besides its content: shape, kind, flags, steps, length, number of parts. */
const ENTRY_FRAME_BYTES = 26;

/**
 * What a run counts for against `MAX_RUN_BYTES` (LOG4): the most that its wire form can take in any shape. It follows
 * from the headers alone, so no erasing, leaving out, cutting or coming back of a body ever makes a run too large.
 */
export function runWeightBytes(entries: readonly Pick<RunEntry, 'bodyBytes'>[]): number {
  return entries.reduce((total, entry) => total + entryWeightBytes(entry.bodyBytes), RUN_FRAME_BYTES);
}

export function entryWeightBytes(bodyBytes: number): number {
  return ENTRY_FRAME_BYTES + Math.max(HASH_BYTES, SALT_BYTES + bodyBytes);
}

export function lastSequence(run: Pick<Run, 'first' | 'entries'>): number {
  return run.first + run.entries.length - 1;
}
