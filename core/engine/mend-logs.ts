import type { LogStore } from '../log/log-store.ts';
import { tornName } from '../log/log-store.ts';
import type { LogName, VersionVector } from '../log/version-vector.ts';
import { ownLogs } from './own-entries.ts';
import { CURSOR } from './sync-memory.ts';

/** So much of a log's end is looked at when the view has folded it: what was written in the moments before a power cut. */
const LOOKED_AT_ENTRIES = 512;

export interface MendOptions {
  readonly store: LogStore;
  readonly ownLog: () => LogName | undefined;
  readonly folded: VersionVector;
  readonly acknowledged: VersionVector;
  /** Leaves the own log: what it holds on both sides of a gap goes on in a new one. */
  readonly leave: (log: LogName) => Promise<void>;
}

/**
 * A power cut may take the beginning of a transaction and leave its end and what came after (docs/reliability.md): then a log
 * lacks entries between others. It ends before them here, and what the server has of it comes back (LOG21). Looked at is what
 * is still needed: what the view has not folded, and of own logs what no server acknowledged. Whether there was a gap.
 */
export async function mendLogs({ store, ownLog, folded, acknowledged, leave }: MendOptions): Promise<boolean> {
  let mended = false;
  const [heads, ours] = await Promise.all([store.heads(), ownLogs({ store, ownLog })]);
  for (const { log, floor, sequence } of heads) {
    const seen = folded.get(log) ?? -1;
    // One that was left may be so because of a gap, by a life that ended before the log did.
    const isOurs = ours.includes(log);
    const needed = isOurs ? Math.min(seen, acknowledged.get(log) ?? -1) : seen;
    const from = Math.max(floor, needed + 1, Math.min(seen + 1, sequence - LOOKED_AT_ENTRIES));
    const whole = from > sequence ? sequence : await store.wholeTo(log, from);
    if (whole >= sequence) continue;
    if (log === ownLog()) await leave(log);
    await store.endBeforeGap(log, { [CURSOR]: undefined, ...(isOurs && { [tornName(log)]: String(acknowledged.get(log) ?? -1) }) });
    mended = true;
  }
  return mended;
}
