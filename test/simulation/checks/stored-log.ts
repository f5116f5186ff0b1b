import { toBase64Url } from '../../../core/log/bytes.ts';
import type { HeadRow, QuarantinedRow, RunRow } from '../../../core/log/row-store.ts';
import { decodeStoredRun } from '../../../core/log/run-codec.ts';
import { numberOf } from './ledger.ts';

/** What lies on a disk of one space, read from outside, in no time and without a program's help. */
export interface StoredRows {
  readonly heads: readonly HeadRow[];
  readonly runs: readonly RunRow[];
  readonly quarantined: readonly QuarantinedRow[];
  /** Named values, under the names that the log store gives them. */
  readonly values: ReadonlyMap<string, string>;
}

/** One entry as it is stored. */
export interface StoredEntry {
  /** What tells it from any other entry at its place: two stores that hold the same entry have the same text. */
  readonly print: string;
  readonly lamport: number;
  /** Numbers of the writes in its body. */
  readonly writes: readonly number[];
  /** Id of the entry that it is a copy of. */
  readonly origin: string | undefined;
}

/** Log name → its entries by sequence. */
export type StoredLogs = ReadonlyMap<string, ReadonlyMap<number, StoredEntry>>;

const TEXT = new TextDecoder();
const ORIGIN = /"origin":"([^"]+)"/;

/** Every run is decoded once, however often a disk is looked at: rows never change in place. */
const entriesByRun = new WeakMap<Uint8Array, ReadonlyMap<number, StoredEntry>>();

export function readLogs({ runs }: Pick<StoredRows, 'runs'>): StoredLogs {
  const logs = new Map<string, Map<number, StoredEntry>>();
  for (const row of runs) {
    const log = logs.get(row.log) ?? new Map<number, StoredEntry>();
    logs.set(row.log, log);
    for (const [sequence, entry] of entriesOf(row.bytes)) log.set(sequence, entry);
  }
  return logs;
}

export function entriesOf(bytes: Uint8Array<ArrayBuffer>): ReadonlyMap<number, StoredEntry> {
  const known = entriesByRun.get(bytes);
  if (known !== undefined) return known;
  const run = decodeStoredRun(bytes);
  if (typeof run === 'string') throw new Error(`a stored run does not decode: ${run}`);
  const entries = new Map<number, StoredEntry>();
  for (const [i, { kind, flags, bodyBytes, lamport, clock, content }] of run.entries.entries()) {
    const texts = content.form === 'body' ? content.parts.map((part) => ('bytes' in part ? TEXT.decode(part.bytes) : '')) : [];
    const salt = content.form === 'body' ? content.parts.map((part) => ('salt' in part ? toBase64Url(part.salt) : '')).join() : toBase64Url(content.bodyHash);
    const writes = texts.map(numberOf).filter((number) => number !== undefined);
    const print = [kind, flags, bodyBytes, lamport, clock, content.form === 'body' ? salt : 'no body'].join(' ');
    entries.set(run.first + i, { print, lamport, writes: [...new Set(writes)], origin: ORIGIN.exec(texts.join())?.[1] });
  }
  entriesByRun.set(bytes, entries);
  return entries;
}

/** Numbers of the writes in a stored row. */
export function writesOfBytes(bytes: Uint8Array<ArrayBuffer>): number[] {
  return [...entriesOf(bytes).values()].flatMap(({ writes }) => writes);
}

/** Numbers of all writes that lie in a store, quarantined branches left out. */
export function writesIn(rows: Pick<StoredRows, 'runs'>): Set<number> {
  const found = new Set<number>();
  for (const row of rows.runs) for (const { writes } of entriesOf(row.bytes).values()) for (const write of writes) found.add(write);
  return found;
}
