import type { Body, Json } from '../log/body.ts';
import { partsToBody } from '../log/body.ts';
import { toBase64Url } from '../log/bytes.ts';
import type { Crypto } from '../log/crypto.ts';
import { KIND } from '../log/header.ts';
import type { LogStore } from '../log/log-store.ts';
import { LEFT } from '../log/log-store.ts';
import type { Run } from '../log/run.ts';
import { lastSequence } from '../log/run.ts';
import { chainIds } from '../log/run-verify.ts';
import type { LogName, LogRange, VersionVector } from '../log/version-vector.ts';
import type { Verdict } from './device.ts';
import { readMemory } from './sync-memory.ts';
import type { Replica } from './replica.ts';

/** Up to where a server acknowledged the own log, and one that is being left: its entries count until the next one has them (SYNC14). */
export async function sentEnds({ store, ownLog }: Replica): Promise<VersionVector> {
  const { moving, acknowledged } = await readMemory(store);
  const own = ownLog();
  const ends = new Map(own === undefined ? [] : [[own, acknowledged.get(own) ?? -1]]);
  if (moving !== undefined && !ends.has(moving.log)) ends.set(moving.log, moving.from);
  return ends;
}

/** Own entries that no server acknowledged, the log's open entry left out: nobody wrote that. */
async function unsentRanges(replica: Replica): Promise<LogRange[]> {
  const { store } = replica;
  const ends = await sentEnds(replica);
  const heads = await store.heads();
  return heads.flatMap(({ log, sequence }) => {
    const first = Math.max(ends.get(log) ?? Infinity, 0) + 1;
    return first > sequence ? [] : [{ log, first, last: sequence }];
  });
}

export async function countUnsent(replica: Replica): Promise<number> {
  return (await unsentRanges(replica)).reduce((count, { first, last }) => count + last - first + 1, 0);
}

/** Logs of this device: the present one, and those that were left. */
export async function ownLogs({ store, ownLog }: Pick<Replica, 'store' | 'ownLog'>): Promise<LogName[]> {
  const left = await store.valuesUnder(LEFT);
  return [ownLog() ?? [], ...[...left.keys()].map((name) => name.slice(LEFT.length))].flat();
}

/** What the authority said of an own entry, wherever it stands now: in a log that was left, or appended again in the next one. */
export async function verdictOf(replica: Replica, crypto: Crypto, id: string): Promise<Verdict> {
  const refusal = toRefused(replica, id);
  if (refusal !== undefined) return refusal;
  const unsent = await unsentRanges(replica);
  let verdict: Verdict = { state: 'unknown' };
  // What is unsent nowhere a server has, in this log or in a later one.
  for (const log of new Set([...unsent.map((range) => range.log), ...(await ownLogs(replica))])) {
    if (verdict.state !== 'unknown' && !replica.view.refused().some((one) => one.log === log)) continue;
    const found = await findEntry(replica.store, log, id, crypto);
    if (found === undefined) continue;
    // Of an entry that was appended again a copy may have been refused.
    const refusalOfCopy = toRefused(replica, found.id);
    if (refusalOfCopy !== undefined) return refusalOfCopy;
    const isUnsent = unsent.some((range) => range.log === log && range.first <= found.sequence);
    if (verdict.state === 'unknown') verdict = { state: isUnsent ? 'unsent' : 'accepted' };
  }
  return verdict;
}

function toRefused({ view }: Replica, id: string): Verdict | undefined {
  const refusal = view.refusal(id);
  return refusal && { state: 'refused', code: refusal.code, reason: refusal.reason };
}

/** There is no look-up by id: the log is read, newest first. Without cryptography only what was appended again is found. */
export async function findEntry(store: LogStore, log: LogName, id: string, crypto?: Crypto): Promise<{ readonly sequence: number; readonly id: string } | undefined> {
  const head = await store.head(log);
  for (let end = head?.sequence ?? -1; end >= 0; end -= 256) {
    for (let next = Math.max(0, end - 255); next <= end; ) {
      // As many as are read at once: those that are large come in several parts.
      const runs = await store.range(log, next, end);
      for (const run of runs) {
        const ids = crypto === undefined ? [] : (await chainIds(crypto, run)).map(toBase64Url);
        const at = run.entries.findIndex((_, i) => ids[i] === id || bodyOf(run, i)?.origin === id);
        if (at >= 0) return { sequence: run.first + at, id: ids[at] ?? id };
        next = lastSequence(run) + 1;
      }
      if (runs.length === 0) break;
    }
  }
  return undefined;
}

/** Own entries that no server acknowledged, as JSON, for a person who has to save them by hand. */
export async function exportUnsent(replica: Replica): Promise<Json[]> {
  const entries: Json[] = [];
  for (const { log, first, last } of await unsentRanges(replica)) {
    const runs = await replica.store.range(log, first, last, Number.MAX_SAFE_INTEGER);
    for (const run of runs) entries.push(...run.entries.flatMap((_, i) => entryToJson(log, run, i)));
  }
  return entries;
}

function entryToJson(log: LogName, run: Run, index: number): Json[] {
  const [entry, body] = [run.entries[index], bodyOf(run, index)];
  return entry === undefined || body === undefined ? [] : [{ log, sequence: run.first + index, clock: entry.clock, ...body }];
}

export function bodyOf(run: Run, index: number): Body | undefined {
  const entry = run.entries[index];
  return entry?.kind === KIND.data && entry.content.form === 'body' ? partsToBody(entry.content.parts, run.first + index) : undefined;
}
