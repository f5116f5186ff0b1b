import type { LogStore } from '../log/log-store.ts';
import { LEFT } from '../log/log-store.ts';
import type { LogName } from '../log/version-vector.ts';
import { bodyOf } from './own-entries.ts';
import type { Replica } from './replica.ts';

/** The copies in an own log above `from`, as far as it was read: sequences by the ids of their origins. */
interface Copies {
  readonly log: LogName;
  readonly from: number;
  readTo: number;
  readonly sequences: Map<string | undefined, number>;
}

/** Each entry is read once: this is asked for every item that is shown. */
const copiesOfStore = new WeakMap<LogStore, Copies>();

/**
 * Tells of an id whether the own log has a copy above `from` of the entry: one that another log of the device had before it
 * was left (SYNC14). Views show the first of both.
 */
export async function copiedAbove({ store, ownLog }: Replica, from: number): Promise<(id: string) => boolean> {
  const log = ownLog() ?? '';
  const [head, left] = await Promise.all([store.head(log), store.valuesUnder(LEFT)]);
  let copies = copiesOfStore.get(store);
  if (copies?.log !== log || from < copies.from || from > copies.readTo) copies = { log, from, readTo: from, sequences: new Map() };
  copiesOfStore.set(store, copies);
  const { readTo, sequences } = copies;
  // Without a log that was left nothing is a copy.
  if (left.size > 0 && head !== undefined && head.sequence > readTo) {
    for (const run of await store.range(log, readTo + 1, head.sequence, Number.MAX_SAFE_INTEGER)) {
      for (let i = 0; i < run.entries.length; i++) sequences.set(bodyOf(run, i)?.origin, run.first + i);
    }
    copies.readTo = head.sequence;
  }
  return (id) => (sequences.get(id) ?? -1) > from;
}
