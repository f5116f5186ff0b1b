import { expect, test } from 'vitest';
import { countUnsent } from '../../../core/engine/own-entries.ts';
import { ACKNOWLEDGED, FORKED, vectorToText } from '../../../core/engine/sync-memory.ts';
import { takeOtherBranch } from '../../../core/engine/take-other-branch.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { openReplica } from '../../support/node-replica.ts';

test('SYNC14 S1.2: what goes on in a new log is unsent all the while, whenever somebody asks', async () => {
  const rows = createMemoryRowStore();
  const counts: number[] = [];
  let onWrite = async (): Promise<void> => undefined;
  const replica = await openReplica({
    rows: {
      ...rows,
      async write(durability, body) {
        await onWrite();
        return rows.write(durability, body);
      },
    },
  });
  for (const key of ['a', 'b', 'c']) await replica.append([{ writes: [{ key, value: 1 }] }]);
  const log = replica.ownLog() ?? '';
  await replica.store.putValues({ [FORKED]: JSON.stringify([log]), [ACKNOWLEDGED]: vectorToText(new Map([[log, 1]])) });
  onWrite = async () => void counts.push(await countUnsent(replica));
  expect(await takeOtherBranch(replica)).toBe(true);
  onWrite = async () => undefined;
  counts.push(await countUnsent(replica));
  expect(counts.length).toBeGreaterThan(4);
  expect(counts.filter((count) => count !== 2)).toEqual([]);
});
