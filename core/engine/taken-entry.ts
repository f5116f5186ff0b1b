import { toBase64Url } from '../log/bytes.ts';
import type { LogStore } from '../log/log-store.ts';
import { leftName, TORN } from '../log/log-store.ts';
import type { Appended } from './replica.ts';

/**
 * Whether an entry was taken that is remembered in its own transaction: of that a power cut may take the entry and leave the
 * name (LOG21). Of a log that was set aside it counts that its entries were.
 */
export async function isTaken(store: LogStore, { log, sequence, id }: Appended): Promise<boolean> {
  const [left, held] = await Promise.all([store.value(leftName(log)), store.entryId(log, sequence)]);
  return (held !== undefined && toBase64Url(held) === id) || (left !== undefined && left !== TORN);
}
