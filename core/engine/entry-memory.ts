import { toBase64Url } from '../log/bytes.ts';
import type { NamedValues } from '../log/log-store.ts';
import { leftName, tornName } from '../log/log-store.ts';
import { findEntry, ownLogs } from './own-entries.ts';
import type { Appended, Replica } from './replica.ts';

/** What is remembered of an entry under a name, in the entry's own transaction: who asks again finds what the first time came to. */
export type EntryMemory<What> = What & { readonly entry: Appended };

export function remember(name: string, what: object, entry: Appended): NamedValues {
  return { [name]: JSON.stringify({ ...what, entry } satisfies EntryMemory<object>) };
}

/** Undefined when nothing can be read of it: another version may have written it otherwise. */
export function textToMemory<What>(text: string): EntryMemory<What> | undefined {
  try {
    const memory = JSON.parse(text) as EntryMemory<What>;
    const { log, sequence, id } = memory.entry;
    return typeof log === 'string' && Number.isSafeInteger(sequence) && typeof id === 'string' ? memory : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined as well when a power cut took the entry and left the name (LOG21). */
export async function recall<What>(replica: Pick<Replica, 'store' | 'ownLog'>, name: string): Promise<EntryMemory<What> | undefined> {
  const text = await replica.store.value(name);
  const memory = text === undefined ? undefined : textToMemory<What>(text);
  return memory !== undefined && (await isTaken(replica, memory.entry)) ? memory : undefined;
}

/**
 * Of a log that was set aside it counts that its entries were taken; of one that ended before a gap, what a server had
 * acknowledged, which comes back, and what went on in another log.
 */
async function isTaken(replica: Pick<Replica, 'store' | 'ownLog'>, { log, sequence, id }: Appended): Promise<boolean> {
  const { store } = replica;
  const held = await store.entryId(log, sequence);
  if (held !== undefined && toBase64Url(held) === id) return true;
  const [left, torn] = await store.values([leftName(log), tornName(log)]);
  if (torn === undefined) return left !== undefined;
  if (sequence <= Number(torn)) return true;
  for (const other of await ownLogs(replica)) if (await findEntry(store, other, id)) return true;
  return false;
}
