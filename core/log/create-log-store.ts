import type { AppendContext } from './append-rules.ts';
import { appendRun, decodeStored, headOf, idName, NeedsEntryIds, rowOf } from './append-rules.ts';
import type { Bytes } from './bytes.ts';
import { isEqual } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { currentPosition, DEFAULT_READ_BYTES, entryIdOf, POSITION, readForks, readRange, wholeTo } from './log-reads.ts';
import type { AppendResult, Change, LogStore, MergeOptions, NamedValues, RunVerdict } from './log-store.ts';
import { leftName, SET_ASIDES } from './log-store.ts';
import type { Durability, RowStore, RowWriter } from './row-store.ts';
import type { VerifiedRun } from './run.ts';
import { chainIds } from './run-verify.ts';
import type { LogName } from './version-vector.ts';
import { logName } from './version-vector.ts';

/** Keeps the names that the store's user gives to values apart from the store's own. */
const USER_PREFIX = 'value:';

/** Gives any row store the meaning of a log store. Hashing happens before and after transactions, never inside one. */
export function createLogStore(rows: RowStore, crypto: Pick<Crypto, 'sha256'>): LogStore {
  // Only sha256 is used of it: a store hashes, and never verifies or signs.
  const hasher = crypto as Crypto;
  const listeners = new Set<(change: Change) => void>();

  async function append(
    runs: readonly VerifiedRun[],
    { values = {}, valuesOfForks = () => ({}), durability = 'strict' }: MergeOptions,
    ownRuns: boolean,
  ): Promise<AppendResult | 'stale'> {
    const knownIds = new Map<string, Bytes>();
    for (;;) {
      try {
        const { changed, ...result } = await rows.write(durability, (tx) =>
          appendAll(tx, runs, { values, valuesOfForks }, knownIds, ownRuns),
        );
        if (changed.size > 0) notify({ position: result.position, logs: [...changed] });
        return result;
      } catch (error) {
        if (error instanceof Stale) return 'stale';
        if (!(error instanceof NeedsEntryIds)) throw error;
        for (const entry of error.entries) {
          const id = (await chainIds(hasher, decodeStored(entry.row), entry.sequence)).at(-1);
          if (id !== undefined) knownIds.set(idName(entry), id);
        }
      }
    }
  }

  function notify(change: Change): void {
    // What is durable stays acknowledged whatever a listener does: it throws on its own.
    for (const listener of listeners) queueMicrotask(() => listener(change));
  }

  async function putValues(values: NamedValues, durability: Durability = 'strict'): Promise<void> {
    await rows.write(durability, (tx) => writeValues(tx, values));
  }

  return {
    merge: async (runs, options = {}) => {
      const result = await append(runs, options, false);
      if (result === 'stale') throw new Error('only own runs can be stale');
      return result;
    },
    extend: (runs, values = {}) => append(runs, { values }, true),
    head: (log) => rows.read((tx) => tx.head(log)),
    heads: () => rows.read((tx) => tx.heads()),
    range: (log, first, last, maxBytes = DEFAULT_READ_BYTES) => readRange(rows, hasher, { log, first, last }, maxBytes),
    position: () => rows.read(currentPosition),
    entryId: (log, sequence) => entryIdOf(rows, hasher, log, sequence),
    value: (name) => rows.read((tx) => tx.value(USER_PREFIX + name)),
    values: (names) => rows.read((tx) => Promise.all(names.map(async (name) => tx.value(USER_PREFIX + name)))),
    valuesUnder: async (prefix) => {
      const found = await rows.read((tx) => tx.valuesUnder(USER_PREFIX + prefix));
      return new Map(found.map(([name, value]) => [name.slice(USER_PREFIX.length), value]));
    },
    putValues,
    setAside: (log, values = {}) => rows.write('strict', (tx) => setAside(tx, log, values)),
    wholeTo: (log, from) => rows.read((tx) => wholeTo(tx, log, from)),
    endBeforeGap: (log, values = {}) => rows.write('strict', (tx) => endBeforeGap(tx, log, values)),
    forks: (log) => readForks(rows, hasher, log),
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => rows.close(),
  };
}

/** Thrown inside the transaction of own runs that no longer fit, so that nothing of it is kept. */
class Stale extends Error {}

async function appendAll(
  rows: RowWriter,
  runs: readonly VerifiedRun[],
  { values, valuesOfForks }: Required<Pick<MergeOptions, 'values' | 'valuesOfForks'>>,
  knownIds: ReadonlyMap<string, Bytes>,
  ownRuns: boolean,
): Promise<AppendResult & { readonly changed: ReadonlySet<LogName> }> {
  const logs = [...new Set(runs.map(({ run }) => logName(run.log)))];
  // Asked for together: an engine answers each after a while.
  const [start, heads, left] = await Promise.all([
    currentPosition(rows),
    Promise.all(logs.map(async (log) => rows.head(log))),
    Promise.all(ownRuns ? logs.map(async (log) => rows.value(USER_PREFIX + leftName(log))) : []),
  ]);
  if (left.some((mark) => mark !== undefined)) throw new Stale();
  const context: AppendContext = {
    rows,
    heldHeads: new Map(logs.map((log, i) => [log, heads[i]])),
    heads: new Map(),
    knownIds,
    neededIds: [],
    accepted: [],
    changed: new Set(),
    position: start,
  };
  // What a server's answer is remembered by is written before what it brought, and an own write's name after it: a power cut
  // that takes the beginning (LOG21) has the answer come again, and lets nothing be written twice.
  if (!ownRuns) await writeValues(rows, values);
  const verdicts: RunVerdict[] = [];
  for (const run of runs) {
    if (ownRuns && !extendsHead(context, run)) throw new Stale();
    const verdict = await appendRun(context, run);
    if (ownRuns && verdict.kind !== 'accepted') throw new Error(`an own run is ${verdict.kind}`);
    verdicts.push(verdict);
  }
  if (context.neededIds.length > 0) throw new NeedsEntryIds(context.neededIds);
  for (const head of context.heads.values()) await rows.putHead(head);
  if (context.position > start) await rows.putValue(POSITION, String(context.position));
  if (ownRuns) await writeValues(rows, values);
  const forked = runs.filter((_, i) => verdicts[i]?.kind === 'fork').map(({ run }) => logName(run.log));
  if (forked.length > 0) await writeValues(rows, valuesOfForks([...new Set(forked)]));
  return { verdicts, position: context.position, changed: context.changed };
}

async function setAside(rows: RowWriter, log: LogName, values: NamedValues): Promise<void> {
  const head = await rows.head(log);
  const runs = head === undefined ? [] : await rows.runs(log, head.floor, head.sequence, Number.MAX_SAFE_INTEGER);
  for (const { first, lastId, bytes } of runs) {
    await rows.putQuarantined({ log, first, lastId, bytes });
    await rows.deleteRun(log, first);
  }
  await rows.deleteHead(log);
  const times = Number((await rows.value(USER_PREFIX + SET_ASIDES)) ?? 0) + 1;
  await writeValues(rows, { ...values, [SET_ASIDES]: String(times) });
}

async function endBeforeGap(rows: RowWriter, log: LogName, values: NamedValues): Promise<void> {
  const head = await rows.head(log);
  const sequence = head && (await wholeTo(rows, log, head.floor));
  // Another context has mended it meanwhile, or set it aside.
  if (head === undefined || sequence === undefined || sequence >= head.sequence) return;
  for (const { first } of await rows.runs(log, sequence + 1, head.sequence, Number.MAX_SAFE_INTEGER)) {
    if (first > sequence) await rows.deleteRun(log, first);
  }
  const last = sequence < head.floor ? undefined : await rowOf(rows, log, sequence);
  const lamport = last && decodeStored(last).entries.at(-1)?.lamport;
  if (last === undefined || lamport === undefined) await rows.deleteHead(log);
  else await rows.putHead({ ...head, sequence, id: last.lastId, lamport, looseFrom: sequence + 1, looseRows: 0 });
  await writeValues(rows, values);
}

function extendsHead(context: AppendContext, { run }: VerifiedRun): boolean {
  const head = headOf(context, logName(run.log));
  if (head === undefined) return run.first === 0;
  return run.first === head.sequence + 1 && isEqual(run.previous, head.id);
}

async function writeValues(rows: RowWriter, values: NamedValues): Promise<void> {
  for (const [name, value] of Object.entries(values)) await rows.putValue(USER_PREFIX + name, value);
}
