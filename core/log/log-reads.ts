import { decodeStored, rowOf } from './append-rules.ts';
import { arrivalsToRanges, takeArrivals } from './arrivals.ts';
import type { Bytes } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { proveFork } from './fork.ts';
import type { Arrival, ArrivedRun, ArrivedRuns, ForkProof } from './log-store.ts';
import type { RowReader, RowStore, RunRow } from './row-store.ts';
import type { Run } from './run.ts';
import { lastSequence } from './run.ts';
import { sliceRun } from './run-shape.ts';
import { chainIds } from './run-verify.ts';
import type { LogName, LogRange } from './version-vector.ts';

/** Of the wire forms, when the caller names no bound. */
export const DEFAULT_READ_BYTES: number = 2 ** 22;
/** Where the store counts its arrivals; apart from the names its user gives to values. */
export const POSITION = 'store:position';

export async function currentPosition(rows: RowReader): Promise<number> {
  return Number((await rows.value(POSITION)) ?? 0);
}

export async function entryIdOf(
  rows: RowStore,
  hasher: Crypto,
  log: LogName,
  sequence: number,
): Promise<Bytes | undefined> {
  const row = await rows.read((tx) => rowOf(tx, log, sequence));
  if (row === undefined) return undefined;
  if (row.first + row.count - 1 === sequence) return row.lastId;
  return (await chainIds(hasher, decodeStored(row), sequence)).at(-1);
}

export async function readRange(
  rows: RowStore,
  hasher: Crypto,
  { log, first, last }: LogRange,
  maxBytes: number,
): Promise<Run[]> {
  const found = await rows.read((tx) => tx.runs(log, first, last, maxBytes));
  const held = found.filter((row) => row.first <= last && row.first + row.count > first);
  return Promise.all(held.map((row) => sliceRun(hasher, decodeStored(row), first, last)));
}

export async function wholeTo(rows: RowReader, log: LogName, from: number): Promise<number> {
  const head = await rows.head(log);
  for (let last = from - 1; ; ) {
    const before = last;
    // Not all at once: a view may wait at the beginning of a long log, for a body that its writer withholds.
    const found = head === undefined || last >= head.sequence ? [] : await rows.runs(log, last + 1, head.sequence, DEFAULT_READ_BYTES);
    for (const { first, count } of found) if (first <= last + 1) last = Math.max(last, first + count - 1);
    if (last === before) return last;
  }
}

export async function readAfter(
  rows: RowStore,
  hasher: Crypto,
  position: number,
  maxBytes: number,
): Promise<ArrivedRuns> {
  const { found, reached, end } = await rows.read(async (tx) => {
    const arrivals = await takeArrivals(tx, position, maxBytes);
    const found: { range: LogRange; rows: readonly RunRow[] }[] = [];
    for (const range of arrivalsToRanges(arrivals)) {
      found.push({ range, rows: await tx.runs(range.log, range.first, range.last, Number.MAX_SAFE_INTEGER) });
    }
    const end = await currentPosition(tx);
    return { found, reached: arrivals.at(-1)?.position ?? Math.max(end, position), end };
  });
  const runs: ArrivedRun[] = [];
  for (const { range, rows } of found) {
    for (const row of rows) {
      const run = await sliceRun(hasher, decodeStored(row), range.first, Number.MAX_SAFE_INTEGER);
      runs.push({ ...run, arrivedTo: Math.min(range.last, lastSequence(run)) });
    }
  }
  return { runs, position: reached, level: reached >= end };
}

export async function readArrival(rows: RowStore, hasher: Crypto, position: number): Promise<Arrival | undefined> {
  const [row] = await rows.read((tx) => tx.arrivalsAfter(position - 1, 1));
  if (row?.position !== position) return undefined;
  const id = await entryIdOf(rows, hasher, row.log, row.last);
  return id && { log: row.log, sequence: row.last, id };
}

export async function readForks(rows: RowStore, hasher: Crypto, only?: LogName): Promise<ForkProof[]> {
  const quarantined = await rows.read((tx) => tx.quarantined());
  const proofs: ForkProof[] = [];
  for (const { log, bytes } of quarantined) {
    if (only !== undefined && log !== only) continue;
    const other = decodeStored({ bytes });
    const around = await rows.read((tx) =>
      tx.runs(log, Math.max(0, other.first - 1), lastSequence(other), Number.MAX_SAFE_INTEGER),
    );
    const proof = await proveFork(hasher, around.map(decodeStored), other);
    if (proof !== undefined) proofs.push(proof);
  }
  return proofs;
}
