import { createServingLogStore } from '../../../core/log/create-serving-log-store.ts';
import type { RowStore, RowWriter } from '../../../core/log/row-store.ts';
import { StorageFull } from '../../../core/log/row-store.ts';
import { check, checkEqual, checkRejects } from '../check.ts';
import type { ContractCase } from '../contract.ts';
import { contractCase } from '../contract.ts';
import { checkHead, checkHeld, checkHoldsAll, wholeContent } from '../reading.ts';

class Crash extends Error {
  override readonly name = 'Crash';
}

/** The same rows, but the `nth` change of a transaction fails: the process dies there, as far as the store can tell. */
function crashAt(rows: RowStore, nth: number): RowStore {
  return {
    ...rows,
    write: (durability, body) =>
      rows.write(durability, (tx) => {
        let left = nth;
        const counted =
          <Args extends unknown[], R>(change: (...args: Args) => R) =>
          (...args: Args): R => {
            if (left-- === 0) throw new Crash();
            return change(...args);
          };
        const writer: RowWriter = {
          ...tx,
          putHead: counted(tx.putHead),
          deleteHead: counted(tx.deleteHead),
          putRun: counted(tx.putRun),
          deleteRun: counted(tx.deleteRun),
          putArrival: counted(tx.putArrival),
          putQuarantined: counted(tx.putQuarantined),
          putValue: counted(tx.putValue),
        };
        return body(writer);
      }),
  };
}

/** Whether something was done; the only other outcome allowed is that there was no room for it. */
async function doneOrFull(promise: Promise<unknown>): Promise<boolean> {
  try {
    await promise;
    return true;
  } catch (error) {
    if (error instanceof StorageFull) return false;
    throw error;
  }
}

export const FAILURE_CASES: readonly ContractCase[] = [
  contractCase(
    'LOG13 S1.5 an append that is cut off after any of its changes leaves none of them, neither runs nor values',
    async (t) => {
      const [rows, log, other] = [await t.openRows(), await t.createLog(), await t.createLog()];
      const store = createServingLogStore(rows, t.crypto);
      // 31 loose rows: the next append merges them, so there are many places to be cut off at.
      for (let i = 0; i < 31; i++)
        await store.merge([await log.append()], { durability: 'relaxed', values: { cursor: 'old' } });
      const held = log.branch(30);
      const before = await store.after(0);
      const runs = [await log.append(), await other.append({ bodyBytes: 120_000 })];
      let crashes = 0;
      for (; crashes < 200; crashes++) {
        const merged = createServingLogStore(crashAt(rows, crashes), t.crypto).merge(runs, {
          values: { cursor: 'new' },
        });
        const outcome = await merged.then(
          () => 'stored',
          (error: unknown) => (error instanceof Error ? error.name : 'unknown'),
        );
        if (outcome === 'stored') break;
        checkEqual(outcome, 'Crash', 'how the append failed');
        checkEqual(await store.after(0), before, `what is there after a crash at change ${crashes}`);
        checkEqual(
          [await store.value('cursor'), await store.head(other.name)],
          ['old', undefined],
          'cursor and other log',
        );
      }
      check(crashes > 30, `an append that merges rows made only ${crashes} changes`);
      checkEqual(held.length(), 31, 'entries before');
      await checkHoldsAll(t, await t.open(), log);
      await checkHoldsAll(t, store, other);
      checkEqual(await store.value('cursor'), 'new', 'the cursor at last');
    },
  ),
  contractCase(
    'LOG13 S1.5 everything is there after the store was closed and opened again: heads, runs, positions, values',
    async (t) => {
      const [store, log, other] = [await t.open(), await t.createLog(), await t.createLog()];
      for (let i = 0; i < 35; i++)
        await store.merge([await log.append(), await other.append({ bodyBytes: 3_000 })], { durability: 'relaxed' });
      await store.putValues({ epoch: 'e1' }, 'strict');
      const [heads, position, all] = [await store.heads(), await store.position(), await store.after(0)];
      await store.close();
      const again = await t.open();
      checkEqual(
        [await again.heads(), await again.position(), await again.value('epoch')],
        [heads, position, 'e1'],
        'heads, position and value',
      );
      checkEqual(await again.after(0), all, 'all runs');
      checkEqual((await again.merge([await log.append()])).position, position + 1, 'the next position');
      await checkHoldsAll(t, again, log);
    },
  ),
  contractCase(
    'LOG18 when there is no room an append rejects with StorageFull, everything earlier stays, and later writes are whole or refused',
    async (t) => {
      const [store, log] = [await t.open(), await t.createLog()];
      let stored = 0;
      const full = (async () => {
        for (; stored < 64; stored++)
          await store.merge([await log.append({ bodyBytes: 1_000_000 })], { values: { last: String(stored) } });
      })();
      await checkRejects(full, 'StorageFull', 'appending 64 MB');
      check(stored > 0, 'there was room for nothing');
      const held = log.branch(stored - 1);
      await checkHoldsAll(t, store, held);
      checkEqual(
        [await store.value('last'), await store.position()],
        [String(stored - 1), stored],
        'value and position',
      );
      // Whether something more fits a moment later is the browser's own arithmetic; a refusal is whole, too.
      const appended = await doneOrFull(store.merge([await log.run(stored)]));
      const erased = await doneOrFull(store.eraseBody(log.name, 0));
      const put = await doneOrFull(store.putValues({ last: 'small' }));
      const again = await t.open();
      const now = log.branch(appended ? stored : stored - 1);
      await checkHead(again, now, now.length() - 1);
      await checkHeld(t, again, now, {
        expected: (sequence) => (sequence === 0 && erased ? 'erased' : wholeContent(now)(sequence)),
      });
      checkEqual(await again.value('last'), put ? 'small' : String(stored - 1), 'the value at last');
    },
    'small',
  ),
];
