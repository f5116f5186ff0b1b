import { createMemoryWriter } from '../../../core/log/memory-row-store.ts';
import type { RowStore } from '../../../core/log/row-store.ts';
import { StorageGone } from '../../../core/log/row-store.ts';
import type { SpaceAccess } from './journal.ts';

/** One space's log. Closing it leaves the database as it is. */
export function createJournalRowStore({ read, write }: SpaceAccess): RowStore {
  let closed = false;
  /** Of what was written before it was closed. */
  const running = new Set<Promise<unknown>>();

  function track<T>(begin: () => Promise<T>): Promise<T> {
    if (closed) return Promise.reject(new StorageGone());
    const promise = begin();
    const settled: Promise<unknown> = promise.catch(() => undefined).then(() => running.delete(settled));
    running.add(settled);
    return promise;
  }

  return {
    read: (body) => track(() => read(({ rows }) => body(createMemoryWriter(rows, [])))),
    write: (durability, body) =>
      track(() => write(durability, ({ rows }, undo) => body(createMemoryWriter(rows, undo)))),
    async close() {
      closed = true;
      await Promise.all(running);
    },
  };
}
