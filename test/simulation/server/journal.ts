import type { Awaitable } from '../../../core/log/bytes.ts';
import type { MemoryRows } from '../../../core/log/memory-row-store.ts';
import { createMemoryRows } from '../../../core/log/memory-row-store.ts';
import type { Durability } from '../../../core/log/row-store.ts';
import type { SimRandom } from '../world/random.ts';

/** Takes back one change. */
export type Undo = () => void;

/** One view's rows: a checkpoint and shards. */
export interface MemoryView {
  readonly checkpoint: string;
  readonly shards: Map<string, string>;
}

/** One space as the programs see it. */
export interface SpaceState {
  readonly rows: MemoryRows;
  readonly views: Map<string, MemoryView>;
}

/** How the stores of one space read and write. */
export interface SpaceAccess {
  readonly read: <T>(body: (state: SpaceState) => Awaitable<T>) => Promise<T>;
  /** Commits what `body` did and told `undo`, or nothing when it throws. */
  readonly write: <T>(durability: Durability, body: (state: SpaceState, undo: Undo[]) => Awaitable<T>) => Promise<T>;
}

/** A database's content and, for what was committed and not synced, how to take it back: all that a power cut needs. */
export interface Journal {
  /** Empty when it was never written. */
  readonly space: (name: string) => SpaceState;
  readonly spaceNames: () => readonly string[];
  /** A commit that the programs see, and that a power cut may take back. */
  readonly addUnsynced: (undo: readonly Undo[]) => void;
  /** Everything committed so far survives a power cut. */
  readonly sync: () => void;
  /** Takes back what was not synced, but for some of its commits from the first on: a disk writes in its own time. */
  readonly powerCut: () => void;
  readonly unsyncedCommits: () => number;
  /** Called whenever all that is there would survive a power cut. */
  readonly onSynced: Set<() => void>;
  readonly backUp: () => Backup;
  /** Puts a backup in the place of everything. */
  readonly restore: (backup: Backup) => void;
}

/** A copy of a database at one moment. */
export type Backup = ReadonlyMap<string, SpaceState>;

interface Commit {
  readonly undo: readonly Undo[];
  /** Virtual ms. */
  readonly at: number;
}

/** Operating systems write what nobody asked them to sync within so long. */
const WRITTEN_WITHIN_MS = 30_000;

export function createJournal(now: () => number, random: SimRandom): Journal {
  let spaces = new Map<string, SpaceState>();
  let unsynced: Commit[] = [];
  const onSynced = new Set<() => void>();

  function forget(): void {
    unsynced = [];
    for (const listener of onSynced) listener();
  }

  return {
    space(name) {
      const known = spaces.get(name);
      if (known !== undefined) return known;
      const fresh: SpaceState = { rows: createMemoryRows(), views: new Map() };
      spaces.set(name, fresh);
      return fresh;
    },
    spaceNames: () => [...spaces.keys()],
    addUnsynced(undo) {
      if (undo.length > 0) unsynced.push({ undo, at: now() });
    },
    sync: forget,
    powerCut() {
      const young = unsynced.filter(({ at }) => at > now() - WRITTEN_WITHIN_MS);
      const lost = young.slice(random.int(young.length + 1));
      for (const { undo } of lost.toReversed()) for (const step of undo.toReversed()) step();
      forget();
    },
    onSynced,
    unsyncedCommits: () => unsynced.length,
    backUp: () => copyOf(spaces),
    restore(backup) {
      spaces = copyOf(backup);
      forget();
    },
  };
}

/** Rows are never changed, so that only what holds them is copied. */
function copyOf(spaces: Backup): Map<string, SpaceState> {
  const copy = new Map<string, SpaceState>();
  for (const [name, { rows, views }] of spaces) {
    copy.set(name, {
      rows: {
        heads: new Map(rows.heads),
        runs: new Map([...rows.runs].map(([log, runs]) => [log, [...runs]])),
        arrivals: [...rows.arrivals],
        quarantined: new Map(rows.quarantined),
        values: new Map(rows.values),
        bytes: rows.bytes,
      },
      views: new Map(
        [...views].map(([view, { checkpoint, shards }]) => [view, { checkpoint, shards: new Map(shards) }]),
      ),
    });
  }
  return copy;
}
