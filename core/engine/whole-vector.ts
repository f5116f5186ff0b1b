import type { Head, LogStore } from '../log/log-store.ts';
import { lastSequence } from '../log/run.ts';
import type { LogName, VersionVector } from '../log/version-vector.ts';

const BYTES_AT_ONCE = 1_048_576;

/**
 * Log → the last entry up to which nothing is lacking, bodies included: what a peer is told when vectors are compared. An
 * entry whose body was withheld is chained and stored, and who counts it as held never gets the body (LOG9, SYNC3). The view
 * stops at such an entry, so that only what is above `folded` is looked at.
 */
export async function wholeVector(store: LogStore, folded: VersionVector): Promise<VersionVector> {
  const vector = new Map<LogName, number>();
  for (const head of await store.heads()) {
    const last = await wholeUpTo(store, head, folded.get(head.log) ?? -1);
    if (last >= 0) vector.set(head.log, last);
  }
  return vector;
}

async function wholeUpTo(store: LogStore, { log, floor, sequence }: Head, folded: number): Promise<number> {
  for (let next = Math.max(folded + 1, floor); next <= sequence; ) {
    const runs = await store.range(log, next, sequence, BYTES_AT_ONCE);
    for (const run of runs) {
      const lacking = run.entries.findIndex(({ content }) => content.form === 'withheld');
      if (lacking !== -1) return run.first + lacking - 1;
      next = lastSequence(run) + 1;
    }
    if (runs.length === 0) break;
  }
  return sequence;
}
