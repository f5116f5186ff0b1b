import type { LogStore } from '../log/log-store.ts';
import { leftName } from '../log/log-store.ts';
import type { LogName, VersionVector } from '../log/version-vector.ts';
import type { Canary, CanaryMark } from './canary.ts';
import type { OwnWriter } from './own-writer.ts';
import type { SyncMemory } from './sync-memory.ts';
import { CURSOR, MOVING, SETBACK } from './sync-memory.ts';

/** A replica's use of its canary. */
export interface OwnCanary {
  /**
   * At start, before anything is appended: when the database is older than the mark, the own log is left. What of it may not
   * be acknowledged goes on in a new one; what the device wrote later comes back from the server, and is read.
   */
  readonly leaveIfBehind: (mark: CanaryMark | undefined, memory: SyncMemory) => Promise<void>;
  /** Leaves a log that is not to be extended any more, and the own one; what of that is not acknowledged goes on in a new one. */
  readonly leave: (log: LogName, acknowledged: VersionVector) => Promise<void>;
  /** To be awaited before own entries leave the device. */
  readonly cover: () => Promise<void>;
}

export function createOwnCanary(canary: Canary | undefined, store: LogStore, writer: Pick<OwnWriter, 'log' | 'rotate'>): OwnCanary {
  let covered: CanaryMark | undefined;

  async function leaveIfBehind(mark: CanaryMark | undefined, { moving, forked, acknowledged }: SyncMemory): Promise<void> {
    // Another life died while it left a log. Forks are the exchange's.
    if (moving !== undefined && !forked.includes(moving.log)) await move(moving);
    if (mark === undefined) return;
    const [left, head] = await Promise.all([store.value(leftName(mark.log)), store.head(mark.log)]);
    // A store that knows that the log was left is no older than the mark: another branch of it may be shorter.
    if (left !== undefined || (head?.sequence ?? -1) >= mark.sequence) return;
    await leave(mark.log, acknowledged);
  }

  async function leave(log: LogName, acknowledged: VersionVector): Promise<void> {
    const own = writer.log();
    const next = own === undefined ? undefined : { log: own, from: acknowledged.get(own) ?? -1 };
    await store.putValues({
      [SETBACK]: (await store.heads()).length === 0 ? 'emptied' : 'restored',
      // What is held of the old log may be more than the server has: vectors tell.
      [CURSOR]: undefined,
      [MOVING]: next && JSON.stringify(next),
      [leftName(log)]: 'true',
    });
    if (next !== undefined) await move(next);
  }

  /** What is to be moved is known before the key is replaced: any step may be the last of this life. */
  function move({ log, from }: NonNullable<SyncMemory['moving']>): Promise<void> {
    return writer.rotate('restored', from, { log, values: { [MOVING]: undefined } });
  }

  async function cover(): Promise<void> {
    const own = writer.log();
    const head = canary === undefined || own === undefined ? undefined : await store.head(own);
    if (head === undefined || (covered?.log === head.log && covered.sequence >= head.sequence)) return;
    covered = { log: head.log, sequence: head.sequence };
    await canary?.cover(covered).catch(() => undefined);
  }

  return { leaveIfBehind, leave, cover };
}
