import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import type { ServingLogStore } from '../../../core/log/log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { check, checkEqual, CheckFailed } from '../check.ts';
import type { CaseContext, ContractCase } from '../contract.ts';
import { contractCase } from '../contract.ts';
import { createNaiveRowStore } from '../naive-row-store.ts';
import type { Met } from '../reading.ts';
import { checkMetOnce, readOn } from '../reading.ts';
import type { TestLog } from '../test-log.ts';

/**
 * A reader that goes on from its last position, a few bytes at a time, while writers append at once through `writerStores`:
 * it must meet every entry exactly once. Shared by the engines and by the naive store that has to fail it.
 */
export async function readWhileWriting(
  t: Pick<CaseContext, 'createLog'>,
  reader: ServingLogStore,
  writerStores: readonly ServingLogStore[],
  { writers, runs }: { readonly writers: number; readonly runs: number },
): Promise<void> {
  const logs = await Promise.all(Array.from({ length: writers }, () => t.createLog()));
  const met: Met = new Map();
  let writing = true;

  async function write(log: TestLog, store: ServingLogStore): Promise<void> {
    for (let i = 0; i < runs; i++)
      await store.merge([await log.append({ count: 1 + (i % 3) })], { durability: 'relaxed' });
  }

  async function read(): Promise<void> {
    let position = 0;
    for (let step = 0; ; step++) {
      const wasWriting = writing;
      const next = await readOn(reader, position, [1, 200, 700][step % 3] ?? 1, met);
      position = next.position;
      if (next.level && !wasWriting) return;
      // A store that answers without I/O would otherwise never let timers run.
      if (next.level) await new Promise((resolve) => setTimeout(resolve));
    }
  }

  const reading = read();
  // Several writers on each store, so that transactions overlap within a connection and between connections.
  await Promise.all(logs.map((log, i) => write(log, writerStores[i % writerStores.length] ?? reader)));
  writing = false;
  await reading;
  checkMetOnce(met, logs);
}

export const ARRIVAL_CASES: readonly ContractCase[] = [
  contractCase(
    'LOG14 a reader that goes on by position never skips and never repeats while 8 writers append at once',
    async (t) => {
      const stores = [await t.open(), await t.open(), await t.open()] as const;
      await readWhileWriting(t, stores[0], stores, { writers: 8, runs: 40 });
    },
  ),
  contractCase(
    'LOG14 self-check: a store that counts positions before it commits, and commits out of order, fails that very case',
    async (t) => {
      const store = createServingLogStore(createNaiveRowStore(createMemoryRowStore()), t.crypto);
      const outcome = await readWhileWriting(t, store, [store], { writers: 8, runs: 40 }).then(
        () => 'passed',
        (error: unknown) => error,
      );
      const skipped = outcome instanceof CheckFailed && outcome.message.endsWith('arrived: got 0, expected 1');
      check(skipped, `the naive store was to be caught skipping an entry, but: ${String(outcome)}`);
    },
  ),
  contractCase(
    'LOG14 S1.5 small steps through rows that were merged out of the arrivals of several logs meet each entry once, from every position',
    async (t) => {
      const [store, logs] = [await t.open(), [await t.createLog(), await t.createLog(), await t.createLog()]];
      const arrived: { log: TestLog; first: number; last: number }[] = [];
      for (let i = 0; i < 150; i++) {
        const log = logs[(i * 7) % 5 < 3 ? 0 : i % 3] ?? logs[0];
        if (log === undefined) throw new Error('no log');
        const first = log.length();
        await store.merge([await log.append({ count: 1 + (i % 2) })], { durability: 'relaxed' });
        arrived.push({ log, first, last: log.length() - 1 });
      }
      for (const start of [0, 1, 2, 31, 32, 33, 75, 148, 149, 150]) {
        const met: Met = new Map();
        let next = { position: start, level: false };
        for (let step = 0; !next.level; step++)
          next = await readOn(store, next.position, [1, 300, 2_000][step % 3] ?? 1, met);
        checkEqual(next.position, 150, 'the last position');
        for (const [i, { log, first, last }] of arrived.entries()) {
          for (let sequence = first; sequence <= last; sequence++) {
            const times = met.get(log.name)?.get(sequence) ?? 0;
            checkEqual(
              times,
              i < start ? 0 : 1,
              `how often the entry of position ${i + 1} arrived at a reader from ${start}`,
            );
          }
        }
      }
      checkEqual(await store.after(150), { runs: [], position: 150, level: true }, 'nothing after the end');
    },
  ),
  contractCase(
    'LOG14 every position keeps the entry that it stood for, also after rows were merged; others are unknown',
    async (t) => {
      const [store, a, b] = [await t.open(), await t.createLog(), await t.createLog()];
      const ends: { log: string; sequence: number; id: unknown }[] = [];
      for (let i = 0; i < 100; i++) {
        const log = i % 5 === 0 ? b : a;
        const { position } = await store.merge([await log.append({ count: 1 + (i % 3) })], { durability: 'relaxed' });
        checkEqual(position, i + 1, 'the position of an append');
        ends.push({ log: log.name, sequence: log.length() - 1, id: log.id(log.length() - 1) });
      }
      const again = await t.open();
      for (const [i, end] of ends.entries()) checkEqual(await again.arrival(i + 1), end, `what arrived at ${i + 1}`);
      for (const unknown of [0, 101, 1_000_000])
        checkEqual(await again.arrival(unknown), undefined, `position ${unknown}`);
      checkEqual(
        await again.after(1_000_000),
        { runs: [], position: 1_000_000, level: true },
        'a position of another history',
      );
    },
  ),
];
