import type { SimRandom } from '../world/random.ts';

/** What is written but would not survive a power cut, in the order in which it was committed, across the databases of an origin. */
export interface Journal {
  /** A committed transaction, or another change, and how to undo it. Returns its place. */
  readonly append: (undo: readonly (() => void)[]) => number;
  /** Whether a power cut now would leave that change as it is. */
  readonly isDurable: (place: number) => boolean;
  /** That change and all before it are on the disk for good. */
  readonly sync: (place: number) => void;
  /** Undoes what the cut takes: nothing, all, or any suffix of what is volatile. */
  readonly cut: () => PowerCut;
  /** How many changes a power cut could take now. */
  readonly volatile: () => number;
  /** Everything is as it is for good. */
  readonly forget: () => void;
}

export interface PowerCut {
  readonly lost: number;
  /** Volatile changes that had luck. */
  readonly kept: number;
}

interface Change {
  readonly undo: readonly (() => void)[];
  /** Virtual ms when the operating system has written it back by itself, whatever was asked. */
  readonly writtenBackAt: number;
}

const WRITE_BACK_MS = { min: 5_000, max: 35_000 };

export function createJournal(now: () => number, random: SimRandom): Journal {
  let changes: Change[] = [];
  /** The place of the first of `changes`. */
  let first = 0;
  /** So many of `changes` are known to be durable. */
  let durable = 0;

  function noteWrittenBack(): void {
    while (durable < changes.length && (changes[durable] as Change).writtenBackAt <= now()) durable += 1;
  }

  /** Copying for each one would cost more than keeping as many again. */
  function dropSome(): void {
    if (durable < changes.length - durable) return;
    changes = changes.slice(durable);
    first += durable;
    durable = 0;
  }

  function forget(): void {
    first += changes.length;
    [changes, durable] = [[], 0];
  }

  return {
    append(undo) {
      noteWrittenBack();
      dropSome();
      const soonest = changes.at(-1)?.writtenBackAt ?? 0;
      const writtenBackAt = Math.max(soonest, now() + random.between(WRITE_BACK_MS.min, WRITE_BACK_MS.max));
      changes.push({ undo, writtenBackAt });
      return first + changes.length - 1;
    },
    isDurable(place) {
      noteWrittenBack();
      return place < first + durable;
    },
    sync(place) {
      durable = Math.max(durable, place + 1 - first);
    },
    cut() {
      noteWrittenBack();
      const open = changes.slice(durable);
      const kept = random.pick([() => 0, () => open.length, () => random.int(open.length + 1)])();
      for (const { undo } of open.slice(kept).toReversed()) {
        for (const step of undo.toReversed()) step();
      }
      forget();
      return { lost: open.length - kept, kept };
    },
    volatile() {
      noteWrittenBack();
      return changes.length - durable;
    },
    forget,
  };
}
