import { createEventLog } from '../../platform/parts/event-log.ts';
import type { UntilOptions } from '../../platform/parts/event-log.ts';

/** What a page was told: these items are safe, written by the entry with this id. */
export interface Acknowledgement {
  readonly entry: string;
  readonly items: readonly string[];
}

/** A write that the page was told has failed. */
export interface Failure {
  readonly code: string;
  readonly items: readonly string[];
}

interface RecordEvents {
  acknowledged: Acknowledgement;
  failed: Failure;
}

/** What writers were told, kept where neither SIGKILL nor power cut reaches it. */
export interface WriteRecord {
  readonly noteAcknowledged: (acknowledgement: Acknowledgement) => void;
  readonly noteFailed: (failure: Failure) => void;
  /** Acknowledged items so far. */
  readonly count: () => number;
  /** The id of the entry that each acknowledged item was written by. */
  readonly entryByItem: () => ReadonlyMap<string, string>;
  readonly failures: () => readonly Failure[];
  readonly mark: () => number;
  /** The next acknowledgement (since `after`). */
  readonly next: (options?: UntilOptions) => Promise<Acknowledgement>;
  readonly nextFailure: (options?: UntilOptions) => Promise<Failure>;
  /** Returns once so many items are acknowledged in all. */
  readonly untilCount: (items: number, withinMs?: number) => Promise<void>;
}

export function createWriteRecord(): WriteRecord {
  const log = createEventLog<RecordEvents>('writers');
  const entries = new Map<string, string>();
  return {
    noteAcknowledged(acknowledgement) {
      for (const item of acknowledgement.items) {
        if (entries.has(item)) throw new Error(`${item} was acknowledged twice`);
        entries.set(item, acknowledgement.entry);
      }
      log.note('acknowledged', acknowledgement);
    },
    noteFailed: (failure) => log.note('failed', failure),
    count: () => entries.size,
    entryByItem: () => entries,
    failures: () => log.all('failed'),
    mark: log.mark,
    next: (options) => log.until('acknowledged', () => true, options),
    nextFailure: (options) => log.until('failed', () => true, options),
    async untilCount(items, withinMs = 60_000) {
      await log.until('acknowledged', () => entries.size >= items, { withinMs });
    },
  };
}
