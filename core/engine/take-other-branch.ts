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
  let move = moving?.log === log ? moving : undefined;
  if (move === undefined && log === replica.ownLog()) {
    move = { log, from: acknowledged.get(log) ?? -1 };
    await store.putValues({ [MOVING]: JSON.stringify(move) });
  }
  if (move !== undefined) await replica.rotate('fork', move.from, { log, values: { [MOVING]: undefined } });
  const rest = forked.filter((other) => other !== log);
  await replica.setAside(log, { [FORKED]: JSON.stringify(rest), [CURSOR]: undefined });
  return true;
}
