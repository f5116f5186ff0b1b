import type { Extension } from './own-log.ts';
import type { Appended } from './replica.ts';

/** So many entries at most share one transaction. */
export const MOST_ENTRIES_PER_COMMIT = 4_096;

/** What one waiting append added to an extension of the log, or why it added nothing. */
export type Added = { readonly sequences: readonly number[] } | { readonly refuse: unknown } | { readonly error: unknown };

export type Settled = { readonly appended: readonly Appended[] } | { readonly refuse: unknown } | { readonly error: unknown };

/** One waiting append: what it adds at its turn, and who waits for it. */
export interface Waiting {
  /** About how many entries. */
  readonly size: number;
  readonly add: (extension: Extension) => Promise<Added>;
  readonly settle: (outcome: Settled) => void;
}

export interface AppendQueue {
  readonly enqueue: (size: number, add: Waiting['add']) => Promise<Settled>;
}

/** Group commit: whatever waits when a commit ends shares the next one. `commit` settles each of its batch, or rejects. */
export function createAppendQueue(commit: (batch: readonly Waiting[]) => Promise<void>): AppendQueue {
  let waiting: Waiting[] = [];
  let draining = false;

  async function drain(): Promise<void> {
    // One turn of the microtask queue, so that the appends of one task share the first commit too.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = takeBatch();
      await commit(batch).catch((error: unknown) => {
        for (const one of batch) one.settle({ error });
      });
    }
    draining = false;
  }

  function takeBatch(): Waiting[] {
    let size = 0;
    let count = 0;
    for (const one of waiting) {
      if (count > 0 && size + one.size > MOST_ENTRIES_PER_COMMIT) break;
      size += one.size;
      count += 1;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return batch;
  }

  return {
    enqueue: (size, add) =>
      new Promise((resolve) => {
        waiting.push({ size, add, settle: resolve });
        if (draining) return;
        draining = true;
        void drain();
      }),
  };
}
