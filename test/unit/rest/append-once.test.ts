import { expect, test } from 'vitest';
import { appendOnce } from '../../../core/engine/append-once.ts';
import type { Draft } from '../../../core/engine/replica.ts';
import { createDisk, openReplica } from './test-collection.ts';

const drafts = (count: number): Draft[] => Array.from({ length: count }, (_, n) => ({ writes: [{ key: `k${n}`, value: n }] }));

test('CAP30 an attempt that is repeated, also after a restart, appends nothing and gets the same answer', async () => {
  const disk = createDisk();
  const replica = await openReplica(disk);
  const first = await appendOnce(replica, 'one', drafts(3));
  expect(first.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  expect(await appendOnce(replica, 'one', drafts(3))).toEqual(first);
  const again = await openReplica(disk);
  expect(await appendOnce(again, 'one', drafts(3))).toEqual(first);
  expect(await appendOnce(again, 'two', drafts(1))).toMatchObject([{ sequence: 4 }]);
  expect((await again.store.heads())[0]?.sequence).toBe(4);
});

test('CAP30 an attempt that was cut between two transactions is finished, not begun anew', async () => {
  const disk = createDisk();
  const replica = await openReplica(disk);
  // As if the worker had been stopped after the first 4,096: the memory is written with the first entry.
  const cut = { ...replica, append: (all: readonly Draft[]) => replica.append(all.slice(0, 4_096)) };
  await appendOnce(cut, 'bulk', drafts(5_000));
  const again = await openReplica(disk);
  const appended = await appendOnce(again, 'bulk', drafts(5_000));
  expect(appended.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 5_000 }, (_, n) => n + 1));
  expect(await again.view.item('k4999')).toMatchObject({ live: [{ value: 4_999, sequence: 5_000 }] });
});

test('CAP30 attempts do not mix: a thousand names, each its own entry', async () => {
  const replica = await openReplica(createDisk());
  for (let n = 0; n < 1_000; n++) {
    const attempt = `attempt ${n}`;
    const once = await appendOnce(replica, attempt, drafts(1));
    expect(await appendOnce(replica, attempt, drafts(1))).toEqual(once);
    expect(once[0]?.sequence).toBe(n + 1);
  }
});
