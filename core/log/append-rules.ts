import { isEqual, toBase64Url } from './bytes.ts';
import type { Bytes } from './bytes.ts';
import type { RunVerdict } from './log-store.ts';
import type { ArrivalRow, HeadRow, RowReader, RowWriter, RunRow } from './row-store.ts';
import type { Run, VerifiedRun } from './run.ts';
import { lastSequence } from './run.ts';
import { decodeStoredRun, encodeRun } from './run-codec.ts';
import { canMerge, dropBefore, mergeRuns } from './run-shape.ts';
import type { LogName } from './version-vector.ts';
import { logName } from './version-vector.ts';

/** So many small rows at the end of a log are merged into larger ones by the append that makes them so many. */
const MOST_LOOSE_ROWS = 32;
/** A row of half the greatest size is left as it is: merging it again would cost more than it saves. */
const FULL_ROW_ENTRIES = 128;
const FULL_ROW_BYTES = 24_576;

/** So many runs of other branches are kept of a log that come from peers; what is set aside is kept whole. */
const MOST_QUARANTINED_RUNS = 16;
/** Where the store keeps which they are. */
const QUARANTINED = 'store:quarantined:';

/** An entry in the middle of a stored row. */
export interface EntryInRow {
  readonly row: RunRow;
  readonly sequence: number;
}

/**
 * Thrown at the end of a transaction that needed ids of entries in the middle of stored rows. Ids are hashes, hashing may
 * be asynchronous, and a transaction awaits nothing but storage: so it is given up, the ids are computed, and it runs
 * again. An id goes by its row's last id, which vouches for it whatever became of the log between.
 */
export class NeedsEntryIds extends Error {
  readonly entries: readonly EntryInRow[];
  constructor(entries: readonly EntryInRow[]) {
    super('ids have to be computed first');
    this.entries = entries;
  }
}

export interface AppendContext {
  readonly rows: RowWriter;
  /** Heads as they were when this transaction began, of the logs that it has runs of. */
  readonly heldHeads: ReadonlyMap<LogName, HeadRow | undefined>;
  /** Heads as this transaction has changed them so far; written back by its end. */
  readonly heads: Map<LogName, HeadRow>;
  /** Ids computed before this attempt, by `idName` of their row's last id. */
  readonly knownIds: ReadonlyMap<string, Bytes>;
  /** Ids this attempt lacks. All are collected before it is given up, or a thousand runs would take a thousand attempts. */
  readonly neededIds: EntryInRow[];
  /** Runs that this transaction accepted: their ids are at hand, though not in the store yet. */
  readonly accepted: VerifiedRun[];
  /** Logs of which something arrived. */
  readonly changed: Set<LogName>;
  position: number;
}

export function idName({ row, sequence }: EntryInRow): string {
  return `${toBase64Url(row.lastId)}:${sequence}`;
}

/** A log's head as it stands in this transaction. */
export function headOf({ heads, heldHeads }: AppendContext, log: LogName): HeadRow | undefined {
  return heads.get(log) ?? heldHeads.get(log);
}

/** Judges one run against what is held and stores what is new of it (LOG13). */
export async function appendRun(context: AppendContext, verified: VerifiedRun): Promise<RunVerdict> {
  const { run } = verified;
  const log = logName(run.log);
  const head = headOf(context, log);
  if (head === undefined) {
    return run.first === 0 ? accept(context, undefined, verified, 0) : { kind: 'gap', expected: 0 };
  }
  if (run.first > head.sequence + 1) return { kind: 'gap', expected: head.sequence + 1 };
  const last = lastSequence(run);
  if (last < head.floor) return { kind: 'duplicate' };
  const shared = Math.min(last, head.sequence);
  const sharedId = shared === run.first - 1 ? run.previous : verified.ids[shared - run.first];
  const heldId = shared === head.sequence ? head.id : await heldEntryId(context, log, shared);
  // This attempt will be given up; the verdict is for nobody.
  if (heldId === undefined) return { kind: 'duplicate' };
  if (sharedId === undefined || !isEqual(sharedId, heldId)) {
    await quarantine(context, log, verified);
    return { kind: 'fork' };
  }
  if (run.first <= shared) await takeLackingBodies(context, log, run, shared);
  return last > head.sequence ? accept(context, head, verified, head.sequence + 1) : { kind: 'duplicate' };
}

/** Keeps the evidence of a fork: the first run that shows it and a few more; a peer can sign as many as it likes (LOG15). */
async function quarantine({ rows }: AppendContext, log: LogName, verified: VerifiedRun): Promise<void> {
  const [first, lastId] = [verified.run.first, lastIdOf(verified)];
  const kept = JSON.parse((await rows.value(QUARANTINED + log)) ?? '[]') as readonly string[];
  const name = `${first}:${toBase64Url(lastId)}`;
  if (!kept.includes(name)) {
    if (kept.length >= MOST_QUARANTINED_RUNS) return;
    await rows.putValue(QUARANTINED + log, JSON.stringify([...kept, name]));
  }
  await rows.putQuarantined({ log, first, lastId, bytes: verified.bytes });
}

async function accept(
  context: AppendContext,
  head: HeadRow | undefined,
  verified: VerifiedRun,
  first: number,
): Promise<RunVerdict> {
  const { run, ids } = verified;
  const firstEntry = run.entries[first - run.first];
  if (firstEntry === undefined || (head !== undefined && firstEntry.lamport <= head.lamport))
    return { kind: 'malformed' };
  const previous = first === run.first ? run.previous : ids[first - run.first - 1];
  const fresh = dropBefore(run, first, previous ?? run.previous);
  const log = logName(run.log);
  const row: RunRow = {
    log,
    first,
    count: fresh.entries.length,
    lastId: lastIdOf(verified),
    bytes: fresh === run ? verified.bytes : encodeRun(fresh),
  };
  await context.rows.putRun(row, true);
  await arrive(context, { log, first, last: lastSequence(run), bytes: row.bytes.length });
  context.accepted.push(verified);
  const grown: HeadRow = {
    log,
    floor: head?.floor ?? first,
    sequence: lastSequence(run),
    id: row.lastId,
    lamport: run.entries.at(-1)?.lamport ?? 0,
    ...(isFull(row)
      ? { looseFrom: lastSequence(run) + 1, looseRows: 0 }
      : { looseFrom: head?.looseFrom ?? first, looseRows: (head?.looseRows ?? 0) + 1 }),
  };
  context.heads.set(log, grown.looseRows >= MOST_LOOSE_ROWS ? await mergeLooseRows(context.rows, grown) : grown);
  return { kind: 'accepted', first };
}

async function arrive(context: AppendContext, arrival: Omit<ArrivalRow, 'position'>): Promise<void> {
  context.position += 1;
  context.changed.add(arrival.log);
  await context.rows.putArrival({ ...arrival, position: context.position });
}

function isFull(row: RunRow): boolean {
  return row.count >= FULL_ROW_ENTRIES || row.bytes.length >= FULL_ROW_BYTES;
}

async function mergeLooseRows(rows: RowWriter, head: HeadRow): Promise<HeadRow> {
  const loose = await rows.runs(head.log, head.looseFrom, head.sequence, Number.MAX_SAFE_INTEGER);
  const merged = mergeNeighbours(loose);
  for (const row of loose) await rows.deleteRun(row.log, row.first);
  for (const row of merged) await rows.putRun(row);
  const last = merged.at(-1);
  if (last === undefined || isFull(last)) return { ...head, looseFrom: head.sequence + 1, looseRows: 0 };
  return { ...head, looseFrom: last.first, looseRows: 1 };
}

function mergeNeighbours(rows: readonly RunRow[]): RunRow[] {
  const merged: RunRow[] = [];
  let current: { row: RunRow; run: Run } | undefined;
  for (const row of rows) {
    const run = decodeStored(row);
    if (current !== undefined && canMerge(current.run, run)) {
      const joined = mergeRuns(current.run, run);
      current = { run: joined, row: mergedRow(current.row, row, encodeRun(joined)) };
    } else {
      if (current !== undefined) merged.push(current.row);
      current = { row, run };
    }
  }
  if (current !== undefined) merged.push(current.row);
  return merged;
}

function mergedRow(a: RunRow, b: RunRow, bytes: Bytes): RunRow {
  return { log: a.log, first: a.first, count: a.count + b.count, lastId: b.lastId, bytes };
}

/** A later copy of entries may bring bodies that an earlier one left out; erased bodies stay erased. */
async function takeLackingBodies(context: AppendContext, log: LogName, run: Run, last: number): Promise<void> {
  const rows = await context.rows.runs(log, run.first, last, Number.MAX_SAFE_INTEGER);
  for (const row of rows) {
    const held = decodeStored(row);
    const taken: number[] = [];
    const entries = held.entries.map((entry, i) => {
      const other = run.entries[held.first + i - run.first];
      if (entry.content.form !== 'withheld' || other?.content.form !== 'body') return entry;
      taken.push(held.first + i);
      return other;
    });
    const [first, end] = [taken[0], taken.at(-1)];
    if (first === undefined || end === undefined) continue;
    const bytes = encodeRun({ ...held, entries });
    await context.rows.putRun({ ...row, bytes });
    // They arrive again, so that whoever reads by position meets the bodies.
    await arrive(context, { log, first, last: end, bytes: bytes.length });
  }
}

async function heldEntryId(context: AppendContext, log: LogName, sequence: number): Promise<Bytes | undefined> {
  const accepted = context.accepted.findLast(({ run }) => holds(run, log, sequence));
  if (accepted !== undefined) return accepted.ids[sequence - accepted.run.first];
  const row = await rowOf(context.rows, log, sequence);
  if (row === undefined) throw new Error('an entry between floor and head is not stored');
  if (row.first + row.count - 1 === sequence) return row.lastId;
  const known = context.knownIds.get(idName({ row, sequence }));
  if (known === undefined) context.neededIds.push({ row, sequence });
  return known;
}

function holds(run: Run, log: LogName, sequence: number): boolean {
  return run.first <= sequence && sequence <= lastSequence(run) && logName(run.log) === log;
}

/** The row that holds an entry. */
export async function rowOf(rows: RowReader, log: LogName, sequence: number): Promise<RunRow | undefined> {
  const [row] = await rows.runs(log, sequence, sequence, 0);
  return row !== undefined && row.first <= sequence && sequence < row.first + row.count ? row : undefined;
}

/** A row's run. Rows were verified before they were stored: bytes that no longer decode mean a broken disk. */
export function decodeStored(row: { readonly bytes: Bytes }): Run {
  const run = decodeStoredRun(row.bytes);
  if (typeof run === 'string') throw new Error(`a stored run no longer decodes: ${run}`);
  return run;
}

function lastIdOf(verified: VerifiedRun): Bytes {
  const id = verified.ids.at(-1);
  if (id === undefined) throw new Error('a run has at least one entry');
  return id;
}
