import type { Bytes } from '../../core/log/bytes.ts';
import { isEqual } from '../../core/log/bytes.ts';
import type { ServingLogStore } from '../../core/log/log-store.ts';
import { lastSequence } from '../../core/log/run.ts';
import { encodeRun } from '../../core/log/run-codec.ts';
import type { LogName, LogRange, VersionVector } from '../../core/log/version-vector.ts';
import { logName, missingRanges } from '../../core/log/version-vector.ts';
import type { Cursor } from '../../core/protocol/messages.ts';

/** What a device is given in one answer. */
export interface Given {
  readonly runs: readonly Bytes[];
  readonly bytes: number;
  /** Everything up to here is held by a device that takes the runs; 0 while a comparison of vectors goes on. */
  readonly position: number;
  /** Whether nothing was left after `position` when it was read. */
  readonly level: boolean;
}

const CHECK_BYTES = 8;
const NO_CHECK: Bytes = new Uint8Array(CHECK_BYTES);

/** What arrived after a position, without what the request itself carried, in order of arrival (SYNC2). */
export async function giveAfter(
  store: ServingLogStore,
  position: number,
  carried: readonly LogRange[],
  maxBytes: number,
): Promise<Given> {
  const carriedByLog = Map.groupBy(carried, ({ log }) => log);
  const runs: Bytes[] = [];
  let bytes = 0;
  let at = position;
  let level = (await store.position()) <= position;
  while (!level && bytes < maxBytes) {
    const arrived = await store.after(at, maxBytes - bytes);
    for (const run of arrived.runs) {
      if (isCarried(carriedByLog, logName(run.log), run.first, run.arrivedTo)) continue;
      const encoded = encodeRun(run);
      runs.push(encoded);
      bytes += encoded.length;
    }
    ({ position: at, level } = arrived);
  }
  return { runs, bytes, position: at, level };
}

/**
 * What a device lacks by its version vector, log by log. Cut by `maxBytes` it is not level and has no position: the device
 * compares again with the vector it has by then, since nothing less names what it holds (SYNC3).
 */
export async function giveMissing(
  store: ServingLogStore,
  theirs: VersionVector,
  carried: readonly LogRange[],
  maxBytes: number,
): Promise<Given> {
  // Before the heads are read: what arrives in between is met again by position. Nor does it make the answer less than
  // level, or a device would never be done with comparing while others write.
  const position = await store.position();
  const mine = new Map((await store.heads()).map(({ log, sequence }) => [log, sequence]));
  const held = new Map(theirs);
  for (const { log, last } of carried) held.set(log, Math.max(held.get(log) ?? -1, last));
  const runs: Bytes[] = [];
  let bytes = 0;
  for (const { log, first, last } of missingRanges(mine, held)) {
    for (let next = first; next <= last;) {
      if (bytes >= maxBytes) return { runs, bytes, position: 0, level: false };
      // To the end of the log: of a row that was merged meanwhile and goes beyond `last`, the rest would come without bodies, and
      // a device that was given an entry so counts it as one that has none here.
      const found = await store.range(log, next, Number.MAX_SAFE_INTEGER, maxBytes - bytes);
      for (const run of found) {
        const encoded = encodeRun(run);
        runs.push(encoded);
        bytes += encoded.length;
        next = lastSequence(run) + 1;
      }
      // A log may start at a floor above what they hold: there is nothing to give below it.
      if (found.length === 0) break;
    }
  }
  return { runs, bytes, position, level: true };
}

/** A cursor that names a position so that another history of this store is told apart from this one (SYNC3). */
export async function cursorAt(store: ServingLogStore, epoch: string, position: number): Promise<Cursor> {
  const arrival = position === 0 ? undefined : await store.arrival(position);
  return { epoch, position, check: arrival?.id.slice(0, CHECK_BYTES) ?? NO_CHECK };
}

/** `known`: from this store. `foreign`: from another epoch. `lost`: of this epoch, and yet this store never was there (SYNC4). */
export async function judgeCursor(
  store: ServingLogStore,
  epoch: string,
  cursor: Cursor,
): Promise<'known' | 'foreign' | 'lost'> {
  if (cursor.epoch !== epoch) return 'foreign';
  const { check } = await cursorAt(store, epoch, cursor.position);
  return cursor.position <= (await store.position()) && isEqual(check, cursor.check) ? 'known' : 'lost';
}

function isCarried(
  carriedByLog: ReadonlyMap<LogName, readonly LogRange[]>,
  log: LogName,
  first: number,
  last: number,
): boolean {
  const ranges = carriedByLog.get(log) ?? [];
  let next = first;
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    if (range.first <= next && range.last >= next) next = range.last + 1;
  }
  return next > last;
}
