import { toBase64Url } from '../log/bytes.ts';
import { leftName, tornName } from '../log/log-store.ts';
import { findEntry, ownLogs } from './own-entries.ts';
import type { Appended, Replica } from './replica.ts';

/**
 * Whether an entry was taken that is remembered in its own transaction: of that a power cut may take the entry and leave the
 * name (LOG21). Of a log that was set aside it counts that its entries were; of one that ended before a gap, what went on in
 * another one.
 */
export async function isTaken(replica: Pick<Replica, 'store' | 'ownLog'>, { log, sequence, id }: Appended): Promise<boolean> {
  const { store } = replica;
  const held = await store.entryId(log, sequence);
  if (held !== undefined && toBase64Url(held) === id) return true;
  const [left, torn] = await store.values([leftName(log), tornName(log)]);
  if (torn === undefined) return left !== undefined;
  for (const other of await ownLogs(replica)) if (await findEntry(store, other, id)) return true;
  return false;
}
