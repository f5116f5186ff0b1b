import type { LogName } from '../log/version-vector.ts';
import type { Replica } from './replica.ts';
import { CURSOR, FORKED, MOVING, readMemory } from './sync-memory.ts';

/**
 * The branch that the server acknowledged counts (SYNC12). What this device wrote on the other one and was never told to be
 * acknowledged goes on in a new log, first; then the log is taken anew from the server. Any step may be the last of
 * this life: the log stays on the list until all is done, and what is to be moved is known before its key is replaced.
 * Whether there was such a log.
 */
export async function takeOtherBranch(replica: Replica): Promise<boolean> {
  const { store } = replica;
  const { acknowledged, forked, moving } = await readMemory(store);
  const [log] = forked;
  if (log === undefined) return false;
  // Another context may have begun the log: then it is the own one, and nobody may begin it a second time.
  await replica.catchUp();
  if (moving?.log === log) await leaveLog(replica, 'fork', log, moving.from);
  else if (log === replica.ownLog()) await leaveLog(replica, 'fork', log, acknowledged.get(log) ?? -1);
  const rest = forked.filter((other) => other !== log);
  await replica.setAside(log, { [FORKED]: JSON.stringify(rest), [CURSOR]: undefined });
  return true;
}

/**
 * Leaves an own log: what it has above `from` goes on in a new one, and vectors tell what else the server lacks. Begun, it is
 * done with the next start at the latest (SYNC14).
 */
export async function leaveLog({ store, rotate }: Replica, reason: string, log: LogName, from: number): Promise<void> {
  await store.putValues({ [MOVING]: JSON.stringify({ log, from }), [CURSOR]: undefined });
  await rotate(reason, from, { log, values: { [MOVING]: undefined } });
}
