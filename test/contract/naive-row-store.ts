import type { ArrivalRow, RowStore, RowWriter } from '../../core/log/row-store.ts';

const POSITION = 'store:position';

/**
 * What not to do: each transaction takes its position from a counter when it starts, like a serial column or a sequence of
 * a database, and every other transaction commits after the next one. The order of commits then differs from the order of positions, and
 * a reader that has seen the greater one never comes back for the smaller.
 */
export function createNaiveRowStore(rows: RowStore): RowStore {
  let counter = 0;
  let started = 0;
  let waiting: (() => void) | undefined;

  async function write<T>(body: (writer: RowWriter) => T | Promise<T>): Promise<T> {
    const position = ++counter;
    started += 1;
    if (started % 2 === 1) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting = resolve;
      // The last writer of all has nobody to wait for.
      await Promise.race([promise, new Promise((go) => setTimeout(go, 20))]);
      return commit(position, body);
    }
    const result = await commit(position, body);
    // Readers get a moment to see the greater position alone.
    await new Promise((go) => setTimeout(go, 1));
    waiting?.();
    return result;
  }

  function commit<T>(position: number, body: (writer: RowWriter) => T | Promise<T>): Promise<T> {
    return rows.write('relaxed', (tx) =>
      body({
        ...tx,
        putArrival: (row: ArrivalRow) => tx.putArrival({ ...row, position }),
        putValue: async (name, value) => {
          const before = Number((await tx.value(name)) ?? 0);
          await tx.putValue(name, name === POSITION ? String(Math.max(before, position)) : value);
        },
      }),
    );
  }

  return { ...rows, write: (_durability, body) => write(body) };
}
