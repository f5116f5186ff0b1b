import type { Awaitable, Bytes } from '../log/bytes.ts';
import type { Crypto } from '../log/crypto.ts';
import type { LogStore } from '../log/log-store.ts';
import { SET_ASIDES } from '../log/log-store.ts';
import type { Run, RunEntry } from '../log/run.ts';
import { lastSequence } from '../log/run.ts';
import { chainIds } from '../log/run-verify.ts';
import type { LogName, VersionVector } from '../log/version-vector.ts';
import { logName } from '../log/version-vector.ts';
import type { RowCodec, ShardedTable, TableChanges } from './sharded-table.ts';
import { createShardedTable } from './sharded-table.ts';
import type { View } from './view.ts';
import type { StoredView, ViewStore } from './view-store.ts';

/**
 * Rows wait in memory for one write of their shards, which the replica times. Where a long log is folded in one go they are
 * written after so many entries as well, so that a life that is cut short brings the next one further.
 */
const MOST_UNWRITTEN_ENTRIES = 50_000;

export interface ViewBuilder<Api> {
  readonly api: Api;
  /** Log → last sequence folded. */
  readonly folded: () => VersionVector;
  /** Entries folded since this object was made: a restart folds only what is new (S1.31). */
  readonly foldedCount: () => number;
  /** Folds a run that was just verified; what is folded already is skipped, a gap is read from the log first. */
  readonly take: (run: Run, ids: readonly Bytes[]) => Promise<ReadonlySet<string>>;
  /**
   * Folds what the log holds and the view lacks, of the logs that `wanted` names, of others what was `shown` before (default: by
   * the stored view that could not be gone on with); the keys that changed.
   */
  readonly advance: (wanted?: (log: LogName) => boolean, shown?: VersionVector) => Promise<ReadonlySet<string>>;
  /** Whether no log was set aside since this view was opened: else it may show a branch that counts no more. */
  readonly isOfPresentBranches: () => Promise<boolean>;
  /** Writes changed rows and checkpoint in one transaction (VIEW2). False: another context moved the view on; open it anew. */
  readonly flush: () => Promise<boolean>;
}

interface Checkpoint {
  readonly version: number;
  readonly logs: readonly (readonly [log: LogName, sequence: number])[];
  /** What the store said of logs that were set aside, when this view was opened. */
  readonly setAsides?: string | undefined;
}

/** Opens a view where its checkpoint left off. One caller at a time: the replica queues. */
export async function openViewBuilder<Api>(
  view: View<Api>,
  logStore: LogStore,
  viewStore: ViewStore,
  crypto: Pick<Crypto, 'sha256'>,
  isAuthority: (log: LogName) => boolean,
): Promise<ViewBuilder<Api>> {
  // Read first: a log that is set aside while the view is opened is met again.
  const setAsides = await logStore.value(SET_ASIDES);
  const stored = await openStored(view, logStore, viewStore, setAsides);
  let checkpointText = stored?.checkpointText;
  const shownBefore = new Map(stored?.dropped);
  const logs: { readonly log: LogName; sequence: number }[] = (stored?.logs ?? []).map(([log, sequence]) => ({ log, sequence }));
  const indexByLog = new Map(logs.map(({ log }, index) => [log, index]));
  const tables: Pick<ShardedTable<unknown>, 'takeChanges'>[] = [];
  let [unwritten, count] = [0, 0];
  let writeAt = MOST_UNWRITTEN_ENTRIES;

  function logIndex(log: LogName): number {
    const known = indexByLog.get(log);
    if (known !== undefined) return known;
    indexByLog.set(log, logs.length);
    return logs.push({ log, sequence: -1 }) - 1;
  }

  const lastFolded = (log: LogName): number => logs[indexByLog.get(log) ?? -1]?.sequence ?? -1;

  const { fold, api } = await view.open({
    table<Row>(name: string, codec: RowCodec<Row>): ShardedTable<Row> {
      const load = (keys: readonly string[]) => viewStore.shards(view.name, keys);
      const table = createShardedTable(name, stored?.shards ?? [], load, codec);
      tables.push(table);
      return table;
    },
    readEntry: async (log, sequence) => entryOf(await logStore.range(log, sequence, sequence), sequence),
    entryId: (log, sequence) => logStore.entryId(log, sequence),
    logAt: (index) => logs[index]?.log ?? '',
    logIndex,
    isFolded: (log, sequence) => sequence <= lastFolded(log),
    crypto,
    isAuthority,
  });

  /** Folds a run's entries above what is folded, up to the first one whose body was withheld. */
  async function foldRun(run: Run, ids: readonly Bytes[], changed: Set<string>): Promise<void> {
    const log = logName(run.log);
    const place = logs[logIndex(log)];
    if (place === undefined) return;
    for (let i = place.sequence + 1 - run.first; i < run.entries.length; i++) {
      const [entry, id] = [run.entries[i], ids[i]];
      if (entry === undefined || id === undefined || entry.content.form === 'withheld') return;
      const folding: Awaitable<void> = fold({ log, sequence: run.first + i, id, entry }, changed);
      // Awaiting only what is asynchronous: 100,000 entries would otherwise be 100,000 turns of the microtask queue.
      if (folding !== undefined) await folding;
      place.sequence = run.first + i;
      unwritten += 1;
      count += 1;
    }
  }

  async function advanceLog(log: LogName, last: number, changed: Set<string>): Promise<void> {
    for (;;) {
      const before = lastFolded(log);
      if (before >= last) return;
      for (const run of await logStore.range(log, before + 1, last)) {
        await foldRun(run, await chainIds(crypto as Crypto, run), changed);
        await flushWhenMany();
      }
      if (lastFolded(log) === before) return;
    }
  }

  async function advance(wanted: (log: LogName) => boolean = () => true, shown: VersionVector = shownBefore): Promise<ReadonlySet<string>> {
    const changed = new Set<string>();
    for (const { log, sequence } of await logStore.heads()) {
      await advanceLog(log, wanted(log) ? sequence : Math.min(sequence, shown.get(log) ?? -1), changed);
    }
    return changed;
  }

  async function take(run: Run, ids: readonly Bytes[]): Promise<ReadonlySet<string>> {
    const changed = new Set<string>();
    const log = logName(run.log);
    if (lastFolded(log) + 1 < run.first) await advanceLog(log, run.first - 1, changed);
    if (lastFolded(log) + 1 >= run.first && lastFolded(log) < lastSequence(run)) await foldRun(run, ids, changed);
    return changed;
  }

  async function flushWhenMany(): Promise<void> {
    if (unwritten < writeAt) return;
    // What is folded stays folded: rows that find no room now are written, or folded again, later.
    await flush().catch(() => false);
    writeAt = unwritten + MOST_UNWRITTEN_ENTRIES;
  }

  async function flush(): Promise<boolean> {
    if (unwritten === 0) return true;
    const written = unwritten;
    const changes: TableChanges[] = tables.map((table) => table.takeChanges());
    const checkpoint: Checkpoint = { version: view.version, logs: logs.map(({ log, sequence }) => [log, sequence]), setAsides };
    const text = JSON.stringify(checkpoint);
    const put = new Map(changes.flatMap((change) => [...change.put]));
    let committed = false;
    try {
      committed = await viewStore.commit(view.name, { expected: checkpointText, checkpoint: text, put, remove: [] });
    } finally {
      if (!committed) for (const change of changes) change.undo();
    }
    if (committed) {
      checkpointText = text;
      unwritten -= written;
    }
    return committed;
  }

  return {
    api,
    folded: () => new Map(logs.map(({ log, sequence }) => [log, sequence])),
    foldedCount: () => count,
    take,
    advance,
    isOfPresentBranches: async () => (await logStore.value(SET_ASIDES)) === setAsides,
    flush,
  };
}

interface Stored extends Pick<Checkpoint, 'logs'> {
  readonly shards: readonly string[];
  readonly checkpointText?: string;
  /** What a state had folded that is dropped. */
  readonly dropped?: Checkpoint['logs'];
}

/** The stored state that may be gone on with: of this version, of the log's present branches, and not ahead of it (design §4). */
async function openStored<Api>(view: View<Api>, logStore: LogStore, viewStore: ViewStore, setAsides: string | undefined): Promise<Stored | undefined> {
  const [stored, held] = await Promise.all([viewStore.open(view.name), logStore.heads()]);
  if (stored === undefined) return undefined;
  const checkpoint = readCheckpoint(stored);
  const heads = new Map(held.map((head) => [head.log, head.sequence]));
  const isAhead = stored.isTorn === true || checkpoint.logs.some(([log, sequence]) => sequence > (heads.get(log) ?? -1));
  if (checkpoint.version === view.version && checkpoint.setAsides === setAsides && !isAhead) {
    return { ...checkpoint, shards: stored.shards, checkpointText: stored.checkpoint };
  }
  await viewStore.drop(view.name);
  return { logs: [], shards: [], dropped: checkpoint.logs };
}

/** Of a torn one, what can be read: it tells what was shown. */
function readCheckpoint({ checkpoint, isTorn }: StoredView): Checkpoint {
  try {
    return JSON.parse(checkpoint) as Checkpoint;
  } catch (error) {
    if (isTorn !== true) throw error;
    return { version: 0, logs: [] };
  }
}

function entryOf(runs: readonly Run[], sequence: number): RunEntry | undefined {
  const run = runs.find((candidate) => candidate.first <= sequence && sequence <= lastSequence(candidate));
  return run?.entries[sequence - run.first];
}
