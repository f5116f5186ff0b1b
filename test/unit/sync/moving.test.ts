import { expect, test } from 'vitest';
import { countUnsent } from '../../../core/engine/own-entries.ts';
import { ACKNOWLEDGED, FORKED, vectorToText } from '../../../core/engine/sync-memory.ts';
import { takeOtherBranch } from '../../../core/engine/take-other-branch.ts';
import { createMemoryRowStore } from '../../../core/log/memory-row-store.ts';
import { openReplica } from '../../support/node-replica.ts';
import { createResponder } from '../server/responder.ts';
import { openDevice, put } from './open-device.ts';

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

test('SYNC4 S1.2: what was not sent before the key was lost is sent with the first exchange, though something was written since', async () => {
  const [at, rows] = [createResponder(), createMemoryRowStore()];
  const before = await openDevice(at, rows);
  await put(before, 'a');
  expect(await before.syncNow('call')).toBe('level');
  await put(before, 'b');
  // As where a browser's update brings another cryptography than that of the stored key.
  await before.replica.store.putValues({ 'writer-seed': undefined });
  const device = await openDevice(at, rows);
  await put(device, 'c');
  expect(await device.syncNow('call')).toBe('level');
  const reader = await openDevice(at);
  expect(await reader.syncNow('call')).toBe('level');
  expect((await reader.replica.view.items('')).map(({ key }) => key)).toEqual(['a', 'b', 'c']);
});
