import type { AppendContext } from './append-rules.ts';
import { appendRun, decodeStored, idName, NeedsEntryId, rowOf } from './append-rules.ts';
import type { Bytes } from './bytes.ts';
import { isEqual } from './bytes.ts';
import { eraseContent } from './content.ts';
import type { Crypto } from './crypto.ts';
import { proveFork } from './fork.ts';
import type { Arrival, ArrivedRuns, AppendResult, Change, ForkProof, Head, LogStore, NamedValues, RunVerdict } from './log-store.ts';
import type { Durability, RowReader, RowStore, RowWriter, RunRow } from './row-store.ts';
import type { Run, VerifiedRun } from './run.ts';
import { lastSequence } from './run.ts';
import { encodeRun } from './run-codec.ts';
import { sliceRun } from './run-shape.ts';
import { chainIds } from './run-verify.ts';
import type { LogName } from './version-vector.ts';
import { logName } from './version-vector.ts';

const POSITION = 'position';
const DEFAULT_READ_BYTES = 2 ** 22;

/** Gives any row store the meaning of a log store. Hashing happens before and after transactions, never inside one. */
export function createLogStore(rows: RowStore, crypto: Pick<Crypto, 'sha256'>): LogStore {
  // Only sha256 is used of it: a store hashes, and never verifies or signs.
  const hasher = crypto as Crypto;
  const listeners = new Set<(change: Change) => void>();

  async function append(
    runs: readonly VerifiedRun[],
    values: NamedValues,
    durability: Durability,
    ownRuns: boolean,
  ): Promise<AppendResult | 'stale'> {
    const knownIds = new Map<string, Bytes>();
    for (;;) {
      try {
        const result = await rows.write(durability, (tx) => appendAll(tx, runs, values, knownIds, ownRuns));
        notify(result, runs);
        return result;
      } catch (error) {
        if (error instanceof Stale) return 'stale';
        if (!(error instanceof NeedsEntryId)) throw error;
        const id = await entryIdOf(error.log, error.sequence);
        if (id === undefined) throw new Error('an entry between floor and head is not stored', { cause: error });
        knownIds.set(idName(error.log, error.sequence), id);
      }
    }
  }

  function notify({ verdicts, position }: AppendResult, runs: readonly VerifiedRun[]): void {
    const logs = runs.filter((_, i) => verdicts[i]?.kind === 'accepted').map(({ run }) => logName(run.log));
    if (logs.length > 0) for (const listener of listeners) listener({ position, logs: [...new Set(logs)] });
  }

  async function entryIdOf(log: LogName, sequence: number): Promise<Bytes | undefined> {
    const row = await rows.read((tx) => rowOf(tx, log, sequence));
    if (row === undefined) return undefined;
    if (row.first + row.count - 1 === sequence) return row.lastId;
    return (await chainIds(hasher, decodeStored(row), sequence)).at(-1);
  }

  async function range(log: LogName, first: number, last: number, maxBytes = DEFAULT_READ_BYTES): Promise<Run[]> {
    const found = await rows.read((tx) => tx.runs(log, first, last, maxBytes));
    const held = found.filter((row) => row.first <= last && row.first + row.count > first);
    return Promise.all(held.map((row) => sliceRun(hasher, decodeStored(row), first, last)));
  }

  async function after(position: number, maxBytes = DEFAULT_READ_BYTES): Promise<ArrivedRuns> {
    const [found, end] = await rows.read(
      async (tx) => [await tx.runsAfter(position, maxBytes), await currentPosition(tx)] as const,
    );
    const runs: Run[] = [];
    for (const row of found) runs.push(await entriesAfter(row, position));
    const reached = found.at(-1)?.position ?? Math.max(end, position);
    return { runs, position: reached, level: reached >= end };
  }

  /** What a row holds that arrived after a position: a merged row may also hold what came before. */
  async function entriesAfter(row: RunRow, position: number): Promise<Run> {
    const run = decodeStored(row);
    const seen = row.marks.findLast(([markPosition]) => markPosition <= position);
    return seen === undefined ? run : sliceRun(hasher, run, seen[1] + 1, lastSequence(run));
  }

  async function arrival(position: number): Promise<Arrival | undefined> {
    const [row] = await rows.read((tx) => tx.runsAfter(position - 1, 0));
    if (row === undefined) return undefined;
    const { log } = row;
    const atEnd = row.position === position ? row.first + row.count - 1 : undefined;
    const sequence = atEnd ?? row.marks.find(([markPosition]) => markPosition === position)?.[1];
    const id = sequence === undefined ? undefined : await entryIdOf(log, sequence);
    return sequence === undefined || id === undefined ? undefined : { log, sequence, id };
  }

  async function eraseBody(log: LogName, sequence: number, part?: number): Promise<boolean> {
    const before = await rows.read((tx) => rowOf(tx, log, sequence));
    const held = before === undefined ? undefined : entryAt(decodeStored(before), sequence);
    if (held === undefined) return false;
    const erased = await eraseContent(hasher, held.content, held.flags, part);
    if (erased === undefined) return false;
    return rows.write('strict', async (tx) => {
      // Read again: the row may have been merged meanwhile. The entry itself is the same.
      const row = await rowOf(tx, log, sequence);
      if (row === undefined) return false;
      const run = decodeStored(row);
      const entries = run.entries.map((entry, i) => (run.first + i === sequence ? { ...entry, content: erased } : entry));
      await tx.putRun({ ...row, bytes: encodeRun({ ...run, entries }) });
      return true;
    });
  }

  async function forks(): Promise<ForkProof[]> {
    const quarantined = await rows.read((tx) => tx.quarantined());
    const proofs: ForkProof[] = [];
    for (const { log, bytes } of quarantined) {
      const other = decodeStored({ bytes });
      const around = await rows.read((tx) =>
        tx.runs(log, Math.max(0, other.first - 1), lastSequence(other), Number.MAX_SAFE_INTEGER),
      );
      const proof = await proveFork(hasher, around.map(decodeStored), other);
      if (proof !== undefined) proofs.push(proof);
    }
    return proofs;
  }

  async function putValues(values: NamedValues, durability: Durability = 'strict'): Promise<void> {
    await rows.write(durability, (tx) => writeValues(tx, values));
  }

  return {
    merge: async (runs, { values = {}, durability = 'strict' } = {}) => {
      const result = await append(runs, values, durability, false);
      if (result === 'stale') throw new Error('only own runs can be stale');
      return result;
    },
    extend: (runs, values = {}) => append(runs, values, 'strict', true),
    head: (log) => rows.read((tx) => tx.head(log)),
    heads: () => rows.read((tx): Head[] | Promise<readonly Head[]> => tx.heads() as Promise<readonly Head[]>),
    range,
    after,
    position: () => rows.read(currentPosition),
    arrival,
    entryId: entryIdOf,
    value: (name) => rows.read((tx) => tx.value(name)),
    putValues,
    eraseBody,
    forks,
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
  values: NamedValues,
  knownIds: ReadonlyMap<string, Bytes>,
  ownRuns: boolean,
): Promise<AppendResult> {
  const start = await currentPosition(rows);
  const context: AppendContext = { rows, heads: new Map(), knownIds, position: start };
  const verdicts: RunVerdict[] = [];
  for (const run of runs) {
    if (ownRuns && !(await extendsHead(context, run))) throw new Stale();
    verdicts.push(await appendRun(context, run));
  }
  for (const head of context.heads.values()) await rows.putHead(head);
  if (context.position > start) await rows.putValue(POSITION, String(context.position));
  await writeValues(rows, values);
  return { verdicts, position: context.position };
}

async function extendsHead({ rows, heads }: AppendContext, { run }: VerifiedRun): Promise<boolean> {
  const log = logName(run.log);
  const head = heads.get(log) ?? (await rows.head(log));
  if (head === undefined) return run.first === 0;
  return run.first === head.sequence + 1 && isEqual(run.previous, head.id);
}

async function writeValues(rows: RowWriter, values: NamedValues): Promise<void> {
  for (const [name, value] of Object.entries(values)) await rows.putValue(name, value);
}

async function currentPosition(rows: RowReader): Promise<number> {
  return Number((await rows.value(POSITION)) ?? 0);
}

function entryAt(run: Run, sequence: number): Run['entries'][number] | undefined {
  return run.entries[sequence - run.first];
}
