import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { FORKED } from '../../../core/engine/sync-memory.ts';
import { takeOtherBranch } from '../../../core/engine/take-other-branch.ts';
import { leftName } from '../../../core/log/log-store.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import type { RowReader, RowStore } from '../../../core/log/row-store.ts';
import { createMemoryViewStore } from '../../../core/views/memory-view-store.ts';
import type { Version } from '../../../core/views/key-value/item.ts';
import type { ServingReplica } from '../../support/node-replica.ts';
import { copyAll, openReplica } from '../../support/node-replica.ts';

const put = (value: number): { writes: [{ key: string; value: number }] } => ({ writes: [{ key: 'a', value }] });

describe('two contexts of a device', () => {
  test('S1.2 LOG13: whoever reads the key while it is replaced goes on with the new one', async () => {
    const rows = createMemoryRowStore();
    let held: { readonly read: () => void; readonly until: Promise<void> } | undefined;
    /** The first reading of the key, once asked for, comes late. */
    const read: RowStore['read'] = async (body) => {
      let isOfKey = false;
      const noting = (tx: RowReader): RowReader => ({
        ...tx,
        value: (name) => {
          isOfKey ||= name.endsWith('writer-seed');
          return tx.value(name);
        },
      });
      const result = await rows.read((tx) => body(noting(tx)));
      const late = isOfKey ? held : undefined;
      if (late === undefined) return result;
      held = undefined;
      late.read();
      await late.until;
      return result;
    };
    const replica = await openReplica({ rows: { ...rows, read } });
    await replica.append([put(1)]);
    const old = replica.ownLog();
    const [started, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    held = { read: started.resolve, until: released.promise };
    const catching = replica.catchUp();
    await started.promise;
    const rotating = replica.rotate('fork', 0);
    for (let i = 0; i < 50; i++) await setImmediate();
    released.resolve();
    await Promise.all([catching, rotating]);
    expect(replica.ownLog()).not.toBe(old);
  });

  test('LOG16 S1.2: one that knows of no own log sets none aside that another one appends to', async () => {
    const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
    const [late, writer] = [await openReplica({ rows, views }), await openReplica({ rows, views })];
    await writer.append([put(1)]);
    const log = writer.ownLog() ?? '';
    await late.store.putValues({ [FORKED]: JSON.stringify([log]) });
    expect(await takeOtherBranch(late)).toBe(true);
    await writer.append([put(2)]);
    expect(writer.ownLog()).not.toBe(log);
    expect(await writer.store.head(log)).toBeUndefined();
    await writer.catchUp();
    expect((await writer.view.item('a'))?.live.map(({ value }) => value)).toEqual([2]);
    expect((await late.store.head(late.ownLog() ?? ''))?.sequence).toBe(2);
  });

  test('LOG13 S1.2: a log that was left is not waited for, though its key is still there', async () => {
    const rows = createMemoryRowStore();
    const before = await openReplica({ rows });
    await before.append([put(1)]);
    const log = before.ownLog() ?? '';
    await before.store.putValues({ [leftName(log)]: 'true' });
    const replica = await openReplica({ rows });
    const [appended] = await replica.append([put(2)]);
    expect(appended?.log).not.toBe(log);
  });

  describe('LOG17: what only the other one has taken from others', () => {
    /** Two contexts; one has merged what somebody else wrote to `a`, with a counter that the other one has not seen. */
    async function afterMergeByOne(): Promise<{ readonly late: ServingReplica; readonly theirs: Version }> {
      const [rows, views] = [createMemoryRowStore(), createMemoryViewStore()];
      const [late, taker, somebody] = [await openReplica({ rows, views }), await openReplica({ rows, views }), await openReplica()];
      await late.append([{ writes: [{ key: 'b', value: 1 }] }]);
      for (let value = 0; value < 9; value++) await somebody.append([put(value)]);
      await copyAll(somebody, taker);
      await taker.flush();
      const [theirs] = (await taker.view.item('a'))?.live ?? [];
      if (theirs === undefined) throw new Error('the other context has taken it');
      return { late, theirs };
    }

    test('a write that supersedes it counts on from it', async () => {
      const { late, theirs } = await afterMergeByOne();
      // It finds that the other one wrote the view, and opens what that one wrote.
      await late.flush();
      await late.append([put(10)]);
      expect((await late.view.item('a'))?.live).toMatchObject([{ value: 10, lamport: theirs.lamport + 1 }]);
    });

    test('so does one that names it, though it is not displayed here', async () => {
      const { late, theirs } = await afterMergeByOne();
      expect(await late.view.item('a')).toBeUndefined();
      const [appended] = await late.append([{ writes: [{ key: 'c', value: 10, parents: [theirs.id] }] }]);
      expect((await late.view.item('c'))?.live).toMatchObject([{ id: appended?.id, lamport: theirs.lamport + 1 }]);
    });

    test('so does a new log that goes on with the old one', async () => {
      const { late, theirs } = await afterMergeByOne();
      await late.rotate('restored', -1);
      expect((await late.view.item('b'))?.live).toMatchObject([{ value: 1 }]);
      expect((await late.store.head(late.ownLog() ?? ''))?.lamport).toBeGreaterThan(theirs.lamport);
    });
  });
});
